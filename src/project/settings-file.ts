import type { z } from "zod";
import { nearest } from "../contract/event-names.ts";
import { UserError } from "../util/errors.ts";
import { fileError, MAX_SETTINGS_BYTES, parseJsonFile, readText } from "../util/files.ts";
import { checks, fileKeys, readers, TUNNEL_KEYS } from "./readers.ts";
import { variableSuffix } from "./secrets.ts";
import { fileSchema, productSettings, type Settings, type SettingsFile, tunnelSettings } from "./settings.ts";

/** The settings of a config file; none where there is no file. Errors name file, line and column. */
export function readSettingsFile(path: string): Partial<Settings> {
  const text = readText(path, MAX_SETTINGS_BYTES);
  if (text === undefined) return {};
  const { $schema: _, routes, forwardTo, tunnel = {}, ...file } = parseSettingsFile(text, path);
  const settings: Record<string, unknown> = {
    ...file,
    forwardTo: forwardTo === undefined ? undefined : [forwardTo].flat().map(String),
    tunnel: tunnel.use,
    domain: tunnel.domain,
    publicUrl: tunnel.publicUrl,
    tunnelTimeout: tunnel.timeout,
    ngrokServerAddr: tunnel.serverAddr,
    ngrokRootCas: tunnel.rootCas,
    routes: routes && Object.entries(routes).map(([pattern, target]) => `${pattern}=${target}`),
  };
  for (const [key, read] of Object.entries(readers)) {
    const value = settings[key];
    if (typeof value === "string") settings[key] = readAt(text, path, fileKeys(key), (name) => read(value, name));
  }
  for (const [i, target] of [forwardTo ?? []].flat().entries()) {
    const keys = Array.isArray(forwardTo) ? ["forwardTo", i] : ["forwardTo"];
    readAt(text, path, keys, (name) => checks.forwardTo(String(target), name));
  }
  for (const [pattern, target] of Object.entries(routes ?? {})) {
    readAt(text, path, ["routes", pattern], (name) => checks.routes(`${pattern}=${target}`, name));
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

export function parseSettingsFile(text: string, path: string): SettingsFile {
  const schema = fileSchema();
  const result = schema.safeParse(parseJsonFile(text, path));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const keys = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  if (unknown === undefined) {
    const hint = EXAMPLES[keys.map(String).join(".")];
    throw fileError(text, path, keys, issue === undefined ? "not valid" : describeIssue(issue), hint);
  }
  throw fileError(text, path, keys, "there is no such setting", unknownHint(unknown, keys));
}

const WITH_UNIT = 'write it as text with its unit, such as "30s" or "7d"';

const EXAMPLES: Readonly<Record<string, string>> = {
  keep: WITH_UNIT,
  retryBase: WITH_UNIT,
  forwardTimeout: WITH_UNIT,
  "tunnel.timeout": WITH_UNIT,
  forwardTo: 'write it as "forwardTo": "3000", or a list of such targets',
  tunnel: 'write it as "tunnel": { "use": "ngrok" }',
  products: 'write it as "products": { "crm": {}, "desk": { "format": "wire" } }',
  routes: 'write it as "routes": { "crm:Leads.*": "http://localhost:3000/leads" }',
};

function unknownHint(unknown: string, keys: readonly PropertyKey[]): string {
  if (/^(secret|token)$/i.test(unknown)) {
    const own = keys[0] === "products" && keys.length > 2 ? `_${variableSuffix(String(keys[1]))}` : "";
    return `secrets do not belong here: set ZOHO_WEBHOOK_${unknown.toUpperCase()}${own} in the environment or in .env`;
  }
  const inTunnel = keys.length === 1 && Object.hasOwn(TUNNEL_KEYS, unknown) ? TUNNEL_KEYS[unknown] : undefined;
  if (inTunnel !== undefined) return `write it as "tunnel": { "${inTunnel}": … }`;
  const { $schema: _, ...top } = fileSchema().shape;
  const known = Object.keys(keys.length === 1 ? top : sectionSettings(keys));
  const [near] = nearest(unknown, known, 1);
  return near === undefined ? `settings: ${known.join(", ")}` : `did you mean ${near}?`;
}

/** The settings among which a misspelt key below `tunnel` or a product is looked up. */
function sectionSettings([section, , ...deeper]: readonly PropertyKey[]): object {
  if (section === "tunnel") return tunnelSettings().shape;
  return section === "products" && deeper.length < 2 ? productSettings().shape : {};
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
  return "is not allowed here";
}
