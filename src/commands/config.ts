import { type Config, loadConfig } from "../config/load.ts";
import { CREDENTIAL_VARIABLES } from "../config/secrets.ts";
import { fileKeys } from "../config/setting-name.ts";
import type { Context } from "../context.ts";
import { ExitCode } from "../core/errors.ts";
import { maskUrl } from "../core/mask.ts";
import type { Define } from "./command.ts";
import { settingText } from "./config/setting-text.ts";
import { configuredProducts } from "./configured-products.ts";
import { tellUnknownVariables } from "./unknown-variables.ts";

interface ShowOptions {
  readonly origin?: boolean;
}

export const define: Define = (command, act) => {
  command
    .command("show")
    .description("Show the current settings.")
    .option("--origin", "show where each value comes from")
    .addHelpText("after", HELP)
    .action(act(show));
};

const HELP = `
A setting comes from the first of these that has it: a flag, the environment (ZOHO_HOOKS_PORT and so on), the project's
.env, the project's zoho-hooks.config.json, your own config.json, the default. Secrets are never printed.
`;

interface Row {
  readonly key: string;
  /** `(set)` for a secret; undefined for what is not set. */
  readonly value: unknown;
  readonly origin: string | undefined;
}

async function show(context: Context, options: ShowOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await configuredProducts(config);
  const rows = [...settingRows(config), ...secretRows(config)];
  /** As the config file has it. */
  const named = ({ key }: Row): string => fileKeys(key).join(".");
  const from = ({ origin }: Row): readonly string[] => (options.origin === true ? [origin ?? ""] : []);
  context.report({
    type: "table",
    columns: ["setting", "value", ...(options.origin === true ? ["from"] : [])],
    rows: rows.map((row) => [named(row), settingText(row.key, row.value), ...from(row)]),
    json: rows.map((row) => ({
      type: "setting",
      key: named(row),
      value: row.value ?? null,
      origin: row.origin ?? null,
    })),
  });
  tellUnknownVariables(context, config, products);
  return ExitCode.ok;
}

function settingRows({ settings, origins }: Config): readonly Row[] {
  const origin = new Map(Object.entries(origins));
  const shown = {
    ...settings,
    forwardTo: settings.forwardTo.map((each) => maskUrl(each)),
    routes: settings.routes.map((each) => maskUrl(each)),
  };
  return Object.entries(shown).map(([key, value]) => ({ key, value, origin: origin.get(key) }));
}

function secretRows({ secrets, variableOrigin }: Config): readonly Row[] {
  const set = secrets.all().map((secret) => secret.origin);
  const unset = Object.values(CREDENTIAL_VARIABLES).filter((name) => !set.includes(name));
  return [
    ...set.map((key) => ({ key, value: "(set)", origin: variableOrigin(key) })),
    ...unset.map((key) => ({ key, value: undefined, origin: undefined })),
  ];
}
