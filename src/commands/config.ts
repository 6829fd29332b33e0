import { projectProducts, warnOfUnknownVariables } from "../custom/project-products.ts";
import { maskRoute, maskUrl } from "../delivery/mask.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { fileName, type Settings, settingText } from "../project/settings.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";

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

async function show(
  context: Context,
  { origin: withOrigin = false }: { readonly origin?: boolean },
): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  const rows = [...settingRows(config), ...secretRows(config)];
  context.report({
    type: "table",
    columns: ["setting", "value", ...(withOrigin ? ["from"] : [])],
    rows: rows.map(({ key, value, origin = "" }) => [
      fileName(key),
      settingText(key, value),
      ...(withOrigin ? [origin] : []),
    ]),
    json: rows.map(({ key, value = null, origin = null }) => ({ type: "setting", key: fileName(key), value, origin })),
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
  const unset = Object.values(CREDENTIAL_VARIABLES).filter((name) => !set.includes(name));
  return [
    ...set.map((key) => ({ key, value: "(set)", origin: variableOrigin(key) })),
    ...unset.map((key) => ({ key })),
  ];
}
