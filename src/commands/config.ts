import { CREDENTIAL_VARIABLES } from "../body/secret.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { fileKeys, readers } from "../config/readers.ts";
import type { Settings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { maskRoute, maskUrl } from "../core/mask.ts";
import { examples } from "../reports/help.ts";
import { ExitCode } from "../util/errors.ts";
import { parseDuration, parseSize, parseTimeout } from "../util/units.ts";
import type { Define } from "./command.ts";
import { projectProducts, warnOfUnknownVariables } from "./helpers/products.ts";

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
  const named = ({ key }: Row): string => fileKeys(key).join(".");
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

const DURATION_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;
const SIZE_UNITS = [
  ["gib", 2 ** 30],
  ["mib", 2 ** 20],
  ["kib", 2 ** 10],
  ["gb", 1e9],
  ["mb", 1e6],
  ["kb", 1e3],
] as const;

/** A setting as a user would write it: `7d` and `1mib`, not milliseconds and bytes. */
export function settingText(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") {
    // The reader of the setting shows its unit.
    const reader = readers[key as keyof Settings];
    if (reader === parseDuration || reader === parseTimeout) return inUnits(value, DURATION_UNITS, "ms");
    return reader === parseSize ? inUnits(value, SIZE_UNITS, "b") : String(value);
  }
  const isEmpty = value === undefined || (typeof value === "object" && value && Object.keys(value).length === 0);
  return isEmpty ? "(not set)" : JSON.stringify(value);
}

/** In the largest unit that divides it. */
function inUnits(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const found = units.find(([, size]) => value >= size && value % size === 0);
  return found === undefined ? `${value}${smallest}` : `${value / found[1]}${found[0]}`;
}
