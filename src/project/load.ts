import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnownSecrets, Secrets } from "../delivery/secrets.ts";
import type { ImportModule } from "../process/runtime.ts";
import { orUndefined, usageError } from "../util/errors.ts";
import type { Context } from "./context.ts";
import { ENV_FILE } from "./environment.ts";
import { orReport, type Project, readProject, settingsOf, USER_CONFIG_FILE } from "./project.ts";
import { mergeVariables, readSecretVariable, secretOfFile } from "./secret-variables.ts";
import { readSecrets, readStoredSecrets, STORED_SECRETS_FILE } from "./secrets.ts";
import { CONFIG_FILE, defaults, environmentName, SETTINGS, type Settings, type TunnelName } from "./settings.ts";
import { type Env, STORE_KEY, VARIABLES, type Variable } from "./variables.ts";

/** A project with the flags of a command: what the command does and with which secrets. */
export interface Config {
  /** The project's folder: that of its config file, else the working folder. */
  readonly root: string;
  readonly settings: Settings;
  /** Origin of each setting: `flag`, the path of a file, `ZOHO_HOOKS_PORT (environment)` or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly secrets: Secrets;
  readonly storeSecret: ReturnType<typeof readStoredSecrets>["store"];
  readonly importModule: ImportModule;
  readonly env: Env;
  /** Origin of a variable: `environment`, or the path of the `.env`. */
  variableOrigin(name: string): string;
}

export interface LoadOptions {
  readonly flags?: Readonly<Partial<Settings>>;
  /** For commands that verify or sign, which fail for a key that cannot be read. */
  readonly needsSecrets?: boolean;
  /** Called instead of throwing; what cannot be read is then left out. For `doctor`, which goes on with the rest. */
  readonly onFault?: (error: unknown, of: "settings" | "secrets") => void;
}

/** The settings of one place, and its name for each of them. */
interface Layer {
  readonly settings: Partial<Settings>;
  origin(key: string): string;
}

/** flags > environment > `.env` > project file > user file > defaults. */
export function loadConfig(context: Context, { flags, needsSecrets = false, onFault }: LoadOptions = {}): Config {
  const inSettings = onFault && ((error: unknown) => onFault(error, "settings"));
  const inSecrets = onFault && ((error: unknown) => onFault(error, "secrets"));
  const { knownSecrets: known } = context;
  const project = context.project ?? readProject(context, inSettings);
  const { root } = project;
  const env = withAbsolutePaths(mergeVariables(project.variables, context.env), root);
  const variableOrigin = (name: string): string => {
    if (name === STORED_SECRETS_FILE) return join(root, name);
    return context.env[name] === undefined ? join(root, ENV_FILE) : "environment";
  };
  const ofVariable = (key: string): string => `${environmentName(key)} (${variableOrigin(environmentName(key))})`;
  const resolved = resolveSettings([
    { origin: () => "flag", settings: flags ?? {} },
    { origin: ofVariable, settings: settingsOf(env, inSettings) },
    { origin: () => join(root, CONFIG_FILE), settings: project.settings },
    {
      origin: () => join(context.userFolder, USER_CONFIG_FILE),
      settings: orReport(inSettings, () => project.userSettings()) ?? {},
    },
    { origin: () => "default", settings: defaults },
  ]);
  const { origins } = resolved;
  const store = orReport(inSettings, () => checkedStore(resolved.settings.store, origins.store)) ?? defaults.store;
  const settings = { ...resolved.settings, store };
  rememberSettings(known, env, settings);
  const stored = orReport(inSecrets, () => readStoredSecrets(root, known));
  const sources = { root, known, stored };
  return {
    root,
    settings,
    origins,
    secrets:
      orReport(inSecrets, () => readSecrets({ ...sources, env, isStrict: needsSecrets })) ??
      readSecrets({ ...sources, env: withoutEmpty(env), isStrict: false }),
    storeSecret: (...offered) => (stored ?? readStoredSecrets(root, known)).store(...offered),
    importModule:
      origins.products === join(root, CONFIG_FILE) ? guarded(context.importModule, project) : context.importModule,
    env,
    variableOrigin,
  };
}

/** Files with secrets are named relative to the project's folder. */
function withAbsolutePaths(env: Env, root: string): Env {
  const paths = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.trim() !== "" && secretOfFile(name) !== undefined
      ? [[name, resolve(root, value)]]
      : [],
  );
  return { ...env, ...Object.fromEntries(paths) };
}

/** Takes each setting from the first layer that has it. */
function resolveSettings(layers: readonly Layer[]): Pick<Config, "settings" | "origins"> {
  const exclusive = withOneTunnel(layers);
  const found = SETTINGS.map(({ key }) => {
    const layer = exclusive.find(({ settings }) => settings[key] !== undefined);
    return { key, value: layer?.settings[key], origin: layer?.origin(key) ?? "default" };
  });
  return {
    settings: Object.fromEntries(found.map(({ key, value }) => [key, value])) as Settings,
    origins: Object.fromEntries(found.map(({ key, origin }) => [key, origin])) as Config["origins"],
  };
}

/**
 * No tunnel, ngrok, cloudflared and a public URL exclude one another: the mode of the first layer that has one drops the settings of other
 * modes from the layers below. Within one layer nothing is dropped, since there a conflict is a mistake.
 */
function withOneTunnel(layers: readonly Layer[]): readonly Layer[] {
  const modes = layers.map(({ settings }) => tunnelMode(settings));
  const top = modes.findIndex((mode) => mode !== undefined);
  const mode = modes[top];
  if (mode === undefined) return layers;
  const dropped = Object.fromEntries(SETTINGS_TO_DROP[mode].map((key) => [key, undefined]));
  return layers.map((layer, i) => (i <= top ? layer : { ...layer, settings: { ...layer.settings, ...dropped } }));
}

const SETTINGS_TO_DROP: Readonly<Record<TunnelName | "publicUrl", readonly (keyof Settings)[]>> = {
  none: ["tunnel", "domain", "publicUrl"],
  ngrok: ["tunnel", "publicUrl"],
  cloudflared: ["tunnel", "domain", "publicUrl"],
  publicUrl: ["tunnel", "domain"],
};

function tunnelMode({ tunnel, domain, publicUrl }: Partial<Settings>): TunnelName | "publicUrl" | undefined {
  if (publicUrl !== undefined) return "publicUrl";
  return tunnel ?? (domain === undefined ? undefined : "ngrok");
}

/** A mistyped address is no file: its password would be in the names of folders, and in what is said of them. */
function checkedStore(store: string | false, origin: string): string | false {
  const isMistyped = /^(?:[a-z][a-z0-9+.-]+:\/\/|postgres\w*:?\/.*@)/i.test(String(store));
  if (!isMistyped || /^postgres(?:ql)?:\/\//i.test(String(store))) return store;
  throw usageError(
    `the setting store (${origin}) is neither a file nor the address of a PostgreSQL database`,
    "write an address as postgres://host/database, with user:password@ before the host",
  );
}

/** Refuses a module that was not there when the command began: nobody was asked about it. */
function guarded(importModule: ImportModule, { root, code = [] }: Project): ImportModule {
  return async (url) => {
    const file = relative(root, fileURLToPath(url));
    if (code === "all" || code.includes(file)) return importModule(url);
    throw usageError(`${join(root, file)} is new since zoho-hooks was started, so it was not run`, "start it again");
  };
}

function withoutEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ""));
}

/** Place of the log. */
export function logPlace({ root, settings: { store } }: Pick<Config, "root" | "settings">) {
  return { root, store: String(store) };
}

const SECRETS = [
  ...Object.entries<Variable>(VARIABLES).flatMap(([name, { isSecret }]) => (isSecret ? [name] : [])),
  STORE_KEY,
];

/** Adds the secrets of variables and the passwords of addresses. Those of deliveries become known where they are read. */
function rememberSettings(
  known: KnownSecrets,
  env: Env & { readonly PGPASSWORD?: string },
  { store, forwardTo, routes }: Settings,
): void {
  // What cannot be read is reported where it is used.
  const read = SECRETS.map((name) => orUndefined(() => readSecretVariable(env, name))?.reveal());
  known.remember(...[...read, env.PGPASSWORD].map((value) => value?.trim()));
  const proxies = Object.entries(env).flatMap(([name, value]) =>
    /^(?:https?|all)_proxy$/i.test(name) && value ? [value] : [],
  );
  const targets = [...forwardTo, ...routes.map((text) => text.slice(text.indexOf("=") + 1))];
  known.remember(...[String(store), ...targets, ...proxies].map(passwordOf));
}

/** Undefined for one that is no secret: `postgres://postgres:postgres@localhost`. */
function passwordOf(address: string): string | undefined {
  // Not a URL, or one with a % that encodes nothing: its reader reports that.
  return orUndefined(() => {
    const { username, password } = new URL(address);
    return password === username ? undefined : decodeURIComponent(password);
  });
}
