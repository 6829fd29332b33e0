import { existsSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Secrets } from "../body/secret.ts";
import type { Context } from "../context.ts";
import type { ImportModule, Runtime } from "../runtime.ts";
import { ENV_FILE, readEnvironment } from "./environment.ts";
import { environmentName, readers } from "./readers.ts";
import {
  type GivenSecrets,
  readSecrets,
  readStoredSecrets,
  STORED_SECRETS_FILE,
  type StoredSecrets,
} from "./secrets.ts";
import { CONFIG_FILE, defaults, type Settings, type TunnelName } from "./settings.ts";
import { readSettingsFile } from "./settings-file.ts";

/** The settings in force, and where each came from. */
export interface Config {
  /** The project's folder: where its config file lies, else the working folder. */
  readonly root: string;
  readonly settings: Settings;
  /** `flag`, a file's path, `default`; for a variable its name and where it was set: `ZOHO_HOOKS_PORT (environment)`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  /** Whether a setting stands in the project, in its config file or its `.env`, which may have come with a clone. */
  isFromProject(key: keyof Settings): boolean;
  readonly secrets: Secrets;
  readonly storeSecret: StoredSecrets["store"];
  readonly importModule: ImportModule;
  /** The environment with the project's `.env` beneath it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a variable was set: `environment`, or the path of the `.env`. */
  variableOrigin(name: string): string;
}

export interface LoadOptions {
  readonly flags?: Readonly<Partial<Settings>>;
  /** Of a command that checks or signs, which fails by a key that cannot be read; no other does. */
  readonly secrets?: GivenSecrets;
}

/** flags > environment > `.env` > project file > user file > defaults. */
export function loadConfig(runtime: Runtime & Pick<Context, "report">, options: LoadOptions = {}): Config {
  const root = findRoot(runtime);
  const environment = readEnvironment(runtime, root);
  const projectFile = join(root, CONFIG_FILE);
  const userFile = join(userFolder(runtime), "config.json");
  const variable = (key: string): string => {
    const name = environmentName(key);
    return `${name} (${environment.origin(name)})`;
  };
  const layers: readonly (readonly [origin: (key: string) => string, values: Partial<Settings>])[] = [
    [() => "flag", options.flags ?? {}],
    [variable, fromEnvironment(environment.values)],
    [() => projectFile, readSettingsFile(projectFile)],
    [() => userFile, readSettingsFile(userFile)],
  ];
  const values = resolveTunnelMode(layers.map(([, each]) => each));
  const settings: Record<string, unknown> = { ...defaults };
  const origins: Record<string, string> = {};
  for (const key of Object.keys(defaults)) {
    const at = values.findIndex((each) => Reflect.get(each, key) !== undefined);
    if (at !== -1) settings[key] = Reflect.get(values[at] ?? {}, key);
    origins[key] = layers[at]?.[0](key) ?? "default";
  }
  const kept = readStoredSecrets(root);
  return {
    root,
    settings: settings as unknown as Settings,
    origins: origins as Config["origins"],
    isFromProject: (key) =>
      [projectFile, `${environmentName(key)} (${join(root, ENV_FILE)})`].includes(origins[key] ?? ""),
    secrets: readSecrets(environment.values, options.secrets, root, kept),
    storeSecret: kept.store,
    importModule: runtime.importModule,
    env: environment.values,
    variableOrigin: (name) =>
      name === STORED_SECRETS_FILE ? join(root, STORED_SECRETS_FILE) : environment.origin(name),
  };
}

/**
 * The nearest folder upwards that holds a config file; the working folder when there is none. One further up, as in a shared
 * /tmp, may be anybody's: what it names is run.
 */
function findRoot({ cwd, report }: Pick<Context, "cwd" | "report">): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, CONFIG_FILE);
    if (existsSync(file) && (folder === cwd || isTrustedOwner(file, cwd))) return folder;
    if (existsSync(file)) {
      const hint =
        "if it is meant for you, change its owner to you (chown); or create a config in your own project folder";
      report({ type: "warning", message: `${file} belongs to another user, so it is not used`, hint });
    }
    if (dirname(folder) === folder) return cwd;
  }
}

/** `$XDG_CONFIG_HOME/zoho-hooks`, `%APPDATA%\zoho-hooks` on Windows. */
export function userFolder(runtime: Pick<Runtime, "env" | "home" | "platform">): string {
  const { env, home, platform } = runtime;
  const base = env.XDG_CONFIG_HOME || (platform === "win32" && env.APPDATA) || join(home, ".config");
  return join(base, "zoho-hooks");
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

type Layer = Partial<Settings>;

/**
 * No tunnel, ngrok's and a URL of the user's own exclude one another: what a layer asks for overrules what those below it
 * have for another way. Within one layer nothing is dropped, for there a clash is a mistake.
 */
function resolveTunnelMode(layers: readonly Layer[]): readonly Layer[] {
  const top = layers.findIndex((layer) => wayOf(layer) !== undefined);
  const way = wayOf(layers[top] ?? {});
  return layers.map((layer, i) => (i <= top || way === undefined ? layer : without(layer, OTHERS[way])));
}

type Way = TunnelName | "publicUrl";

/** What belongs to the other ways. */
const OTHERS: Readonly<Record<Way, readonly (keyof Settings)[]>> = {
  none: ["tunnel", "domain", "publicUrl"],
  ngrok: ["tunnel", "publicUrl"],
  publicUrl: ["tunnel", "domain"],
};

function wayOf({ tunnel, domain, publicUrl }: Layer): Way | undefined {
  if (publicUrl !== undefined) return "publicUrl";
  return tunnel ?? (domain === undefined ? undefined : "ngrok");
}

function without(layer: Layer, keys: readonly string[]): Layer {
  return Object.fromEntries(Object.entries(layer).filter(([key]) => !keys.includes(key)));
}

/** Whether a file belongs to this user, to root, or to whom the working folder does. Windows has no such owners: always. */
function isTrustedOwner(file: string, cwd: string): boolean {
  const { uid } = statSync(file);
  return uid === 0 || uid === statSync(cwd).uid || uid === ownUid();
}

/** -1 for a user without an entry. */
function ownUid(): number {
  try {
    return userInfo().uid;
  } catch {
    return -1;
  }
}
