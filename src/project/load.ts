import { isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Secrets } from "../delivery/secret.ts";
import type { ImportModule, Runtime } from "../process/runtime.ts";
import { usageError } from "../util/errors.ts";
import type { Context } from "./context.ts";
import { ENV_FILE } from "./environment.ts";
import { rememberSettings } from "./known-secrets.ts";
import { type Project, readProject, settingsOf } from "./project.ts";
import { type GivenSecrets, readSecrets, readStoredSecrets, STORED_SECRETS_FILE } from "./secrets.ts";
import { CONFIG_FILE, defaults, environmentName, type Settings, type TunnelName } from "./settings.ts";
import { readSettingsFile } from "./settings-file.ts";
import type { Env } from "./variables.ts";

export interface Config {
  /** The project's folder: that of its config file, else the working folder. */
  readonly root: string;
  readonly settings: Settings;
  /** Where each setting came from: `flag`, the path of a file, `ZOHO_HOOKS_PORT (environment)` or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly secrets: Secrets;
  readonly storeSecret: ReturnType<typeof readStoredSecrets>["store"];
  readonly importModule: ImportModule;
  readonly env: Env;
  /** Where a variable was set: `environment`, or the path of the `.env`. */
  variableOrigin(name: string): string;
}

export interface LoadOptions {
  readonly flags?: Readonly<Partial<Settings>>;
  /** For commands that verify or sign, which fail for a key that cannot be read. */
  readonly secrets?: GivenSecrets;
  /** Called instead of throwing; what cannot be read is then left out. For `doctor`, which goes on with the rest. */
  readonly onFault?: (error: unknown, of: "settings" | "secrets") => void;
}

/** flags > environment > `.env` > project file > user file > defaults. */
export function loadConfig(
  runtime: Runtime & Pick<Context, "caller" | "knownSecrets" | "project">,
  options: LoadOptions = {},
): Config {
  const { onFault } = options;
  const onSettingsFault = onFault && ((error: unknown) => onFault(error, "settings"));
  const orReport = <T>(of: "settings" | "secrets", read: () => T, otherwise: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error, of);
      return otherwise();
    }
  };
  const project = runtime.project ?? readProject(runtime, onSettingsFault);
  const { root } = project;
  const env: Config["env"] = { ...project.variables, ...runtime.env };
  const userFile = join(userFolder(runtime), "config.json");
  const variableOrigin = (name: string): string => {
    if (name === STORED_SECRETS_FILE) return join(root, name);
    return runtime.env[name] === undefined ? join(root, ENV_FILE) : "environment";
  };
  const ofVariable = (key: string): string => `${environmentName(key)} (${variableOrigin(environmentName(key))})`;
  const layers: readonly (readonly [originOf: (key: string) => string, values: Partial<Settings>])[] = [
    [() => "flag", { ...runtime.caller?.flags, ...options.flags }],
    [ofVariable, settingsOf(env, onSettingsFault)],
    [() => join(root, CONFIG_FILE), project.settings],
    [
      () => userFile,
      orReport(
        "settings",
        () => readSettingsFile(userFile),
        () => ({}),
      ),
    ],
  ];
  const values = resolveTunnelMode(layers.map(([, each]) => each));
  const settings: Record<string, unknown> = { ...defaults };
  const origins: Record<string, string> = {};
  for (const key of Object.keys(defaults)) {
    const at = values.findIndex((each) => Reflect.get(each, key) !== undefined);
    origins[key] = layers[at]?.[0](key) ?? "default";
    const value: unknown = Reflect.get(values[at] ?? {}, key);
    if (value !== undefined) settings[key] = value;
  }
  orReport(
    "settings",
    () => checkLogPlace(String(settings.store), origins.store),
    () => {
      settings.store = defaults.store;
    },
  );
  const known = runtime.knownSecrets;
  rememberSettings(known, env, settings as unknown as Settings);
  const stored = orReport(
    "secrets",
    () => readStoredSecrets(root, known),
    () => undefined,
  );
  const from = { root, known, stored };
  const given = options.secrets && { ...runtime.caller?.secrets, ...options.secrets };
  const secrets = orReport(
    "secrets",
    () => readSecrets({ ...from, env, given }),
    () => readSecrets({ ...from, env: withoutEmpty(env) }),
  );
  return {
    root,
    settings: settings as unknown as Settings,
    origins: origins as Config["origins"],
    secrets,
    storeSecret: (...offered) => (stored ?? readStoredSecrets(root, known)).store(...offered),
    importModule:
      origins.products === join(root, CONFIG_FILE) ? guarded(runtime.importModule, project) : runtime.importModule,
    env,
    variableOrigin,
  };
}

/** Refuses a module that was not there when the command began: nobody was asked about it. */
function guarded(importModule: ImportModule, { root, code = [] }: Project): ImportModule {
  return async (url) => {
    const file = relative(root, fileURLToPath(url));
    if (code === "all" || code.includes(file)) return importModule(url);
    throw usageError(`${join(root, file)} is new since zoho-hooks was started, so it was not run`, "start it again");
  };
}

/** A mistyped address is no file: its password would be in the names of folders, and in what is said of them. */
function checkLogPlace(store: string, origin = ""): void {
  if (/^postgres(?:ql)?:\/\//i.test(store) || !/^(?:[a-z][a-z0-9+.-]+:\/\/|postgres\w*:?\/.*@)/i.test(store)) return;
  throw usageError(
    `the setting store (${origin}) is neither a file nor the address of a PostgreSQL database`,
    "write an address as postgres://host/database, with user:password@ before the host",
  );
}

/** Where the log is. */
export function logPlace({ root, settings: { store } }: Pick<Config, "root" | "settings">) {
  return { root, store: String(store) };
}

type UserPlaces = Pick<Runtime, "env" | "home" | "platform">;

/**
 * `$XDG_CONFIG_HOME/zoho-hooks`, `%APPDATA%\zoho-hooks` on Windows. Relative ones are ignored, as in
 * https://specifications.freedesktop.org/basedir-spec/latest/#variables
 */
export function userFolder({ env, home, platform }: UserPlaces): string {
  const named = [env.XDG_CONFIG_HOME, platform === "win32" ? env.APPDATA : undefined];
  const base = named.find((each) => each !== undefined && isAbsolute(each)) ?? join(home, ".config");
  return join(base, "zoho-hooks");
}

function withoutEmpty(env: Config["env"]): Config["env"] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ""));
}

type Layer = Partial<Settings>;

/**
 * No tunnel, ngrok and a public URL exclude one another: the mode of the first layer that has one drops the settings of other
 * modes from the layers below. Within one layer nothing is dropped, since there a conflict is a mistake.
 */
function resolveTunnelMode(layers: readonly Layer[]): readonly Layer[] {
  const top = layers.findIndex((layer) => tunnelMode(layer) !== undefined);
  const mode = tunnelMode(layers[top] ?? {});
  return layers.map((layer, i) => (i <= top || mode === undefined ? layer : without(layer, SETTINGS_TO_DROP[mode])));
}

type TunnelMode = TunnelName | "publicUrl";

const SETTINGS_TO_DROP: Readonly<Record<TunnelMode, readonly (keyof Settings)[]>> = {
  none: ["tunnel", "domain", "publicUrl"],
  ngrok: ["tunnel", "publicUrl"],
  publicUrl: ["tunnel", "domain"],
};

function tunnelMode({ tunnel, domain, publicUrl }: Layer): TunnelMode | undefined {
  if (publicUrl !== undefined) return "publicUrl";
  return tunnel ?? (domain === undefined ? undefined : "ngrok");
}

function without(layer: Layer, keys: readonly string[]): Layer {
  return Object.fromEntries(Object.entries(layer).filter(([key]) => !keys.includes(key)));
}
