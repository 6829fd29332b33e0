import { projectProducts, warnOfUnknownVariables } from "../custom/project-products.ts";
import { maskRoute, maskUrl } from "../delivery/mask.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secret.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { fileName, settingText } from "../project/settings.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";

interface ShowOptions {
  readonly origin?: boolean;
}

export const define: Define = (command, act) => {
  command
    .addHelpText("before", examples("zoho-hooks config show --origin"))
    .command("show")
    .description("Show the current settings.")
    .addHelpText("before", examples("zoho-hooks config show --origin"))
    .option("--origin", "show where each value comes from")
    .addHelpText("after", HELP)
    .action(act(show));
};

const HELP = `
A setting comes from the first of these that has it: a flag, the environment (ZOHO_HOOKS_PORT and so on), the project's
.env, the project's zoho-hooks.config.json, your own config.json, the default. Secrets are never printed.`;

interface Row {
  readonly key: string;
  /** `(set)` for a secret; undefined if not set. */
  readonly value: unknown;
  readonly origin: string | undefined;
}

async function show(context: Context, options: ShowOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(context, { config, schemas: false });
  const rows = [...settingRows(config), ...secretRows(config)];
  // The key as in the config file.
  const named = ({ key }: Row): string => fileName(key);
  const withOrigin = options.origin === true;
  context.report({
    type: "table",
    columns: ["setting", "value", ...(withOrigin ? ["from"] : [])],
    rows: rows.map((row) => [named(row), settingText(row.key, row.value), ...(withOrigin ? [row.origin ?? ""] : [])]),
    json: rows.map((row) => ({
      type: "setting",
      key: named(row),
      value: row.value ?? null,
      origin: row.origin ?? null,
    })),
  });
  warnOfUnknownVariables(context, config, products);
  return ExitCode.ok;
}

function settingRows({ settings, origins }: Config): readonly Row[] {
  const origin = new Map(Object.entries(origins));
  const shown = {
    ...settings,
    store: settings.store === false ? false : maskUrl(settings.store),
    forwardTo: settings.forwardTo.map((each) => maskUrl(each)),
    routes: settings.routes.map(maskRoute),
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
