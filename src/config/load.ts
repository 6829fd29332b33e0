import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import type { Runtime } from "../context.ts";
import { errorText, usageError } from "../core/errors.ts";
import { nearest } from "../core/event-name.ts";
import { locate } from "../core/json-text.ts";
import type { Secrets } from "../core/secret.ts";
import { type GivenSecrets, readSecrets } from "./secrets.ts";
import {
  CONFIG_FILE,
  defaults,
  environmentName,
  fileSchema,
  readers,
  type Settings,
  type SettingsFile,
} from "./settings.ts";

/** The settings in force, and where each came from. */
export interface Config {
  /** The project's folder: where its config file lies, else the working folder. */
  readonly root: string;
  readonly settings: Settings;
  /** `flag`, the variable's name, the file's path, or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly secrets: Secrets;
  /** The environment with the project's `.env` beneath it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadOptions {
  readonly flags?: Readonly<Partial<Settings>>;
  readonly secrets?: GivenSecrets;
}

/** flags > environment (with `.env`) > project file > user file > defaults. */
export function loadConfig(runtime: Runtime, options: LoadOptions = {}): Config {
  const root = findRoot(runtime.cwd);
  const env = readEnvironment(runtime, root);
  const projectFile = join(root, CONFIG_FILE);
  const userFile = join(userFolder(runtime), "config.json");
  const layers: readonly (readonly [origin: (key: string) => string, values: Partial<Settings>])[] = [
    [() => "flag", options.flags ?? {}],
    [environmentName, fromEnvironment(env)],
    [() => projectFile, readFile(projectFile)],
    [() => userFile, readFile(userFile)],
    [() => "default", defaults],
  ];
  const settings: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const key of Object.keys(defaults)) {
    for (const [origin, values] of layers) {
      const value: unknown = Reflect.get(values, key);
      if (value === undefined) continue;
      settings[key] = value;
      origins[key] = origin(key);
      break;
    }
  }
  return {
    root,
    settings: settings as unknown as Settings,
    origins: origins as Config["origins"],
    secrets: readSecrets(env, options.secrets, root),
    env,
  };
}

/** The nearest folder upwards that holds a config file; the working folder when there is none. */
function findRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}

/** `$XDG_CONFIG_HOME/zoho-hooks`, `%APPDATA%\zoho-hooks` on Windows. */
export function userFolder(runtime: Pick<Runtime, "env" | "home" | "platform">): string {
  const { env, home, platform } = runtime;
  const base = env.XDG_CONFIG_HOME || (platform === "win32" && env.APPDATA) || join(home, ".config");
  return join(base, "zoho-hooks");
}

function readEnvironment(runtime: Runtime, root: string): Config["env"] {
  try {
    return { ...parseEnv(readFileSync(join(root, ".env"), "utf8")), ...runtime.env };
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EISDIR"))
      return runtime.env;
    throw usageError(`${join(root, ".env")} cannot be read: ${errorText(error)}`);
  }
}

function fromEnvironment(env: Config["env"]): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(readers)) {
    const name = environmentName(key);
    const text = env[name];
    if (text !== undefined && text !== "") found[key] = read(text, name);
  }
  return found;
}

function readFile(path: string): Partial<Settings> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
  return toSettings(parseFile(text, path), path);
}

function parseFile(text: string, path: string): SettingsFile {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw usageError(`${path} is not valid JSON: ${errorText(error)}`);
  }
  const result = fileSchema.safeParse(data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const keys = (issue?.path ?? []).map(String);
  const { line, column } = locate(text, issue?.path ?? []);
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const [near] = unknown === undefined ? [] : nearest(unknown, Object.keys(defaults), 1);
  throw usageError(
    `${path}:${line}:${column}: ${keys.length === 0 ? "" : `${keys.join(".")}: `}${issue?.message ?? "is not valid"}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

function toSettings({ $schema: _, maxBody, ...file }: SettingsFile, path: string): Partial<Settings> {
  const size = maxBody === undefined ? undefined : readers.maxBody?.(String(maxBody), `${path}: maxBody`);
  const settings = { ...file, ...(size === undefined ? {} : { maxBody: size }) };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
