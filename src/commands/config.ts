import { sep } from "node:path";
import { maskRoute, maskUrl } from "../delivery/mask.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import { projectProducts, warnOfUnknownVariables } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { FILE_SUFFIX } from "../project/secret-variables.ts";
import { fileName, type Settings, settingText } from "../project/settings.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";

/** A setting. @printedBy config show */
export interface SettingLine {
  readonly type: "setting";
  /** As the config file has it: `tunnel.domain`. */
  readonly key: string;
  /** Null if it is not set. */
  readonly value: unknown;
  /** What sets it. */
  readonly origin: string | null;
}

export const define: Define = (command, act) => {
  command
    .addHelpText("before", examples("zoho-hooks config show"))
    .command("show")
    .description("Show the current settings, and where each value comes from.")
    .addHelpText("before", examples("zoho-hooks config show"))
    .addHelpText("after", HELP)
    .action(act(show));
};

const HELP = `
A setting comes from the first of these that has it: a flag, the environment (ZOHO_HOOKS_PORT and so on), the project's
.env, the project's zoho-hooks.config.json, your own config.json, the default. Secrets are never printed.`;

async function show(context: Context): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  const rows = [...settingRows(config), ...secretRows(config)];
  context.report({
    type: "table",
    columns: ["setting", "value", "from"],
    // Paths of the project are short, so that there is room for columns.
    rows: rows.map(({ key, value, origin = "" }) => [
      fileName(key),
      settingText(key, value),
      origin.replace(`${config.root}${sep}`, ""),
    ]),
    json: rows.map(
      ({ key, value = null, origin = null }) =>
        ({ type: "setting", key: fileName(key), value, origin }) satisfies SettingLine,
    ),
  });
  warnOfUnknownVariables(context, config, products);
  return ExitCode.ok;
}

/** `value`: undefined if not set. */
type Rows = readonly { readonly key: string; readonly value?: unknown; readonly origin?: string }[];

function settingRows({ settings, origins }: Config): Rows {
  const { store, forwardTo, routes } = settings;
  const masked = {
    ...settings,
    store: store && maskUrl(store),
    forwardTo: forwardTo.map((each) => maskUrl(each)),
    routes: routes.map(maskRoute),
  };
  return Object.entries(masked).map(([key, value]) => ({ key, value, origin: origins[key as keyof Settings] }));
}

function secretRows({ secrets, variableOrigin }: Config): Rows {
  const set = secrets.all().map((secret) => secret.origin);
  const isSet = (name: string): boolean => set.includes(name) || set.includes(name + FILE_SUFFIX);
  const unset = Object.values(CREDENTIAL_VARIABLES).filter((name) => !isSet(name));
  return [
    ...set.map((key) => ({ key, value: "(set)", origin: variableOrigin(key) })),
    ...unset.map((key) => ({ key })),
  ];
}
