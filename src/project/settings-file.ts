import { z } from "zod";
import { nearest } from "../model/event-names.ts";
import { UserError } from "../util/errors.ts";
import { fileError, MAX_SETTINGS_BYTES, parseJsonFile, readText } from "../util/files.ts";
import { variableSuffix } from "./secrets.ts";
import { productSettings, SETTINGS, type Settings } from "./settings.ts";

/** A config file as it is written. Of its settings, these have a type of their own. */
export interface SettingsFile {
  readonly products?: Settings["products"];
  readonly port?: number;
  readonly forwardTo?: string | number | readonly (string | number)[];
  readonly allowUnsigned?: readonly string[];
  readonly [setting: string]: unknown;
}

/** The settings of a config file; none where there is no file. Errors name file, line and column. */
export function readSettingsFile(path: string): Partial<Settings> {
  const text = readText(path, MAX_SETTINGS_BYTES);
  if (text === undefined) return {};
  const file = parseSettingsFile(text, path);
  const found = SETTINGS.map(({ key, path: [name = "", below], read, entries, check }) => {
    const keys = below === undefined ? [name] : [name, below];
    const value = below === undefined ? file[name] : (file[name] as SettingsFile | undefined)?.[below];
    if (value === undefined) return [key, undefined];
    const list = entries?.(value as never).map(([at, entry]) => {
      readAt(text, path, [...keys, ...at], (called) => check?.(entry, called));
      return entry;
    });
    const isText = typeof value === "string" && list === undefined;
    return [key, isText ? readAt(text, path, keys, (called) => read?.(value, called)) : (list ?? value)];
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** Checks a config file. A misspelt setting is an error. */
export function parseSettingsFile(text: string, path: string): SettingsFile {
  const result = fileSchema().safeParse(parseJsonFile(text, path));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const keys = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  if (unknown !== undefined) throw fileError(text, path, keys, "there is no such setting", unknownHint(unknown, keys));
  const name = keys.map(String).join(".");
  const hint = name === "tunnel" ? TUNNEL_HINT : SETTINGS.find((each) => each.path.join(".") === name)?.hint;
  throw fileError(text, path, keys, issue === undefined ? "not valid" : describeIssue(issue), hint);
}

const TUNNEL_HINT = 'write it as "tunnel": { "use": "ngrok" }';

function fileSchema() {
  const top: Record<string, z.ZodType> = { $schema: z.string().optional() };
  const tunnel: Record<string, z.ZodType> = {};
  for (const { path, json } of SETTINGS) {
    const [name = "", below] = path;
    if (below === undefined) top[name] = json().optional();
    else tunnel[below] = json().optional();
  }
  return z.strictObject({ ...top, tunnel: z.strictObject(tunnel).optional() });
}

function unknownHint(unknown: string, keys: readonly PropertyKey[]): string {
  if (/^(secret|token)$/i.test(unknown)) {
    const own = keys[0] === "products" && keys.length > 2 ? `_${variableSuffix(String(keys[1]))}` : "";
    return `secrets do not belong here: set ZOHO_WEBHOOK_${unknown.toUpperCase()}${own} in the environment or in .env`;
  }
  const inTunnel = SETTINGS.find(({ key, path }) => key === unknown && path.length > 1)?.path[1];
  if (keys.length === 1 && inTunnel !== undefined) return `write it as "tunnel": { "${inTunnel}": … }`;
  const known = namesBeside(keys);
  const [near] = nearest(unknown, known, 1);
  return near === undefined ? `settings: ${known.join(", ")}` : `did you mean ${near}?`;
}

/** The names that a misspelt key could have in its place: of a setting, below `tunnel`, or below a product. */
function namesBeside([section, ...deeper]: readonly PropertyKey[]): readonly string[] {
  if (deeper.length === 0) return [...new Set(SETTINGS.flatMap(({ path: [name = ""] }) => name))];
  if (section === "tunnel") return SETTINGS.flatMap(({ path: [, below] }) => below ?? []);
  return section === "products" && deeper.length < 3 ? Object.keys(productSettings().shape) : [];
}

/** Turns an error about a value into one that names its position in the file instead of a flag or variable. */
function readAt<T>(text: string, path: string, keys: readonly PropertyKey[], read: (name: string) => T): T {
  try {
    return read(PLACEHOLDER);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw fileError(text, path, keys, error.message.replace(PLACEHOLDER, "").replace(/^:? /, ""), error.hint);
  }
}

const PLACEHOLDER = "<setting>";

/** The types of zod in words of JSON. */
const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "text",
};

/** "should be an object, but is a list" */
function describeIssue(issue: z.core.$ZodIssue): string {
  const { code, message } = issue;
  if (code === "invalid_type") {
    const received = /received (\w+)/.exec(message)?.[1] ?? "";
    return `should be ${KINDS[issue.expected] ?? issue.expected}, but is ${KINDS[received] ?? received}`;
  }
  if (code === "invalid_value") return `is not one of ${issue.values.map((each) => JSON.stringify(each)).join(", ")}`;
  if (code === "too_big") return `is too large: ${issue.maximum} at most`;
  if (code === "too_small") return issue.origin === "string" ? "is empty" : `is too small: ${issue.minimum} at least`;
  return issue.code === "custom" && issue.message !== "Invalid input" ? issue.message : "is not allowed here";
}
