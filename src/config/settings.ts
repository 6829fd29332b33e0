import { z } from "zod";
import type { ProductSettings } from "../core/configure.ts";
import { usageError } from "../core/errors.ts";
import { formatSettings } from "../core/format-settings.ts";
import { parseSize, parseWhole } from "../core/units.ts";

export const CONFIG_FILE = "zoho-hooks.config.json";

const productSettings = formatSettings.extend({
  /** The format that comes first for this product: `send` writes it. */
  format: z.string().optional(),
});

/** What a config file may hold. Strict: a misspelt key is an error, not silence. */
export const fileSchema = z.strictObject({
  $schema: z.string().optional(),
  products: z.record(z.string(), productSettings).optional(),
  port: z.int().min(0).max(65_535).optional(),
  host: z.string().min(1).optional(),
  maxBody: z.union([z.int().positive(), z.string()]).optional(),
  schema: z.enum(["warn", "enforce", "off"]).optional(),
  onInvalid: z.enum(["reject", "warn"]).optional(),
  events: z.array(z.string()).optional(),
  allowIp: z.array(z.string()).optional(),
  allowZohoIps: z.boolean().optional(),
  forwardTo: z.string().min(1).optional(),
});

export type SettingsFile = z.infer<typeof fileSchema>;

export interface Settings {
  readonly products: Readonly<Record<string, ProductSettings>>;
  readonly port: number;
  readonly host: string;
  /** Bytes. */
  readonly maxBody: number;
  readonly schema: "warn" | "enforce" | "off";
  readonly onInvalid: "reject" | "warn";
  readonly events: readonly string[];
  readonly allowIp: readonly string[];
  readonly allowZohoIps: boolean;
  /** The developer's own app: a port, a port with a path (`3000/hooks`) or a URL. Undefined: nothing is forwarded. */
  readonly forwardTo: string | undefined;
}

export const defaults: Settings = {
  products: {},
  port: 4460,
  host: "127.0.0.1",
  maxBody: 1_048_576,
  schema: "warn",
  onInvalid: "reject",
  events: [],
  allowIp: [],
  allowZohoIps: false,
  forwardTo: undefined,
};

type Reader<K extends keyof Settings> = (text: string, what: string) => Settings[K];

/** How a setting is read from text: an environment variable's or a flag's. */
export const readers: { readonly [K in keyof Settings]?: Reader<K> } = {
  port: (text, what) => parseWhole(text, what, 0, 65_535),
  host: (text) => text,
  maxBody: (text, what) => parseSize(text, what),
  schema: oneOf("warn", "enforce", "off"),
  onInvalid: oneOf("reject", "warn"),
  events: list,
  allowIp: list,
  forwardTo: (text) => text,
  allowZohoIps: (text, what) => oneOf("true", "false")(text, what) === "true",
};

/** `maxBody` is set by `ZOHO_HOOKS_MAX_BODY`. */
export function environmentName(key: string): string {
  return `ZOHO_HOOKS_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function oneOf<const Choice extends string>(...choices: readonly Choice[]): (text: string, what: string) => Choice {
  return (text, what) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw usageError(`${what}: ${JSON.stringify(text)} is not one of ${choices.join(", ")}`);
    return found;
  };
}

function list(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
