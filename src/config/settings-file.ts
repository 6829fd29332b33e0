import { readFileSync } from "node:fs";
import { errorText, UserError, usageError } from "../core/errors.ts";
import { nearest } from "../core/event-name.ts";
import { locate, parseJson } from "../core/json-text.ts";
import { defaults, fileSchema, readers, type Settings, type SettingsFile } from "./settings.ts";

/** The settings of a config file; none where there is no file. An error names file, line and column. */
export function readSettingsFile(path: string): Partial<Settings> {
  const text = readText(path);
  if (text === undefined) return {};
  const { $schema: _, routes, forwardTo, tunnel = {}, ...file } = parseSettingsFile(text, path);
  const settings: Record<string, unknown> = {
    ...file,
    forwardTo: typeof forwardTo === "string" ? [forwardTo] : forwardTo,
    tunnel: tunnel.use,
    domain: tunnel.domain,
    publicUrl: tunnel.publicUrl,
    tunnelTimeout: tunnel.timeout,
    ngrokServerAddr: tunnel.serverAddr,
    ngrokRootCas: tunnel.rootCas,
    routes: routes && Object.entries(routes).map(([pattern, target]) => `${pattern}=${target}`),
  };
  for (const key of ["maxBody", "retryBase", "forwardTimeout", "keep", "maxLog", "tunnelTimeout"] as const) {
    if (settings[key] !== undefined) settings[key] = readQuantity(key, String(settings[key]), text, path);
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** A config file as it is written; undefined where there is none. */
export function readText(path: string): string | undefined {
  try {
    // Some editors on Windows put a byte order mark in front, which JSON.parse refuses.
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** Throws a usage error for anything that is not a valid config. */
export function parseSettingsFile(text: string, path: string): SettingsFile {
  const parsed = parseJson(text);
  if (!parsed.ok) {
    const { line = 1, column = 1 } = parsed.position ?? {};
    throw usageError(`${path}:${line}:${column}: not valid JSON: ${parsed.reason}`);
  }
  const result = fileSchema().safeParse(parsed.value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const keys = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  if (unknown === undefined) throw at(text, path, keys, issue?.message.replace(/^Invalid input: /, "") ?? "not valid");
  const known = keys.length === 1 ? Object.keys(defaults) : ["format"];
  const [near] = nearest(unknown, known, 1);
  const hint = near === undefined ? `settings: ${known.join(", ")}` : `did you mean ${near}?`;
  throw at(text, path, keys, "there is no such setting", hint);
}

/** A size or a duration, which a file may write with its unit. */
function readQuantity(key: keyof Settings, value: string, text: string, path: string): unknown {
  try {
    return readers[key]?.(value, key);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw at(
      text,
      path,
      key === "tunnelTimeout" ? ["tunnel", "timeout"] : [key],
      error.message.replace(`${key}: `, ""),
      error.hint,
    );
  }
}

function at(text: string, path: string, keys: readonly PropertyKey[], message: string, hint?: string): UserError {
  const { line, column } = locate(text, keys);
  const name = keys.length === 0 ? "the file" : keys.map(String).join(".");
  return usageError(`${path}:${line}:${column}: ${name}: ${message}`, hint);
}
