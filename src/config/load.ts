import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { geteuid } from "node:process";
import type { Secrets } from "../body/secret.ts";
import { type Source, USER } from "../body/source.ts";
import type { Context } from "../context.ts";
import { maskSetting } from "../core/mask.ts";
import type { ImportModule, Runtime } from "../runtime.ts";
import { errorText, usageError } from "../util/errors.ts";
import { isAbsent, isDevice, isFolder, NOT_A_FILE } from "../util/files.ts";
import { findLinkWithin, isAbove, leadsOut, linkError, linkedPlace, rejectServerLink } from "../util/links.ts";
import { ENV_FILE, readEnvironment } from "./environment.ts";
import { rememberSettings } from "./known-secrets.ts";
import { environmentName, readers, settingName } from "./readers.ts";
import { type GivenSecrets, readSecrets, readStoredSecrets, STORED_SECRETS_FILE } from "./secrets.ts";
import { CONFIG_FILE, defaults, PROJECT_FOLDER, type Settings, type TunnelName } from "./settings.ts";
import { readSettingsFile } from "./settings-file.ts";

export interface Config {
  /** The project's folder: that of its config file, else the working folder. */
  readonly root: string;
  readonly settings: Settings;
  /** Where each setting came from: `flag`, the path of a file, `ZOHO_HOOKS_PORT (environment)` or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly secrets: Secrets;
  readonly storeSecret: ReturnType<typeof readStoredSecrets>["store"];
  readonly importModule: ImportModule;
  /** The process environment, with the project's `.env` for what is not set there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables of the project's `.env` that only the process environment may set, such as `HTTP_PROXY`. */
  readonly ignoredVariables: readonly string[];
  /** Who decided a setting or variable: the user, or a file of the project, which may have come with a clone. */
  sourceOf(name: string): Source;
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
  runtime: Runtime & Pick<Context, "report" | "caller" | "knownSecrets">,
  options: LoadOptions = {},
): Config {
  const root = findRoot(runtime);
  const { onFault } = options;
  const orReport = <T>(of: "settings" | "secrets", read: () => T, otherwise: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error, of);
      return otherwise();
    }
  };
  const layer = (read: () => Partial<Settings>) => orReport("settings", read, () => ({}));
  const withoutFile = { values: runtime.env, ignored: [], source: () => USER };
  const environment = orReport(
    "settings",
    () => readEnvironment(runtime, root),
    () => withoutFile,
  );
  const projectFile = join(root, CONFIG_FILE);
  const userFile = join(userFolder(runtime), "config.json");
  const variableOrigin = (name: string): string => {
    const source = name === STORED_SECRETS_FILE ? join(root, name) : environment.source(name);
    return source === USER ? "environment" : source;
  };
  const ofVariable = (key: string): readonly [origin: string, source: Source] => {
    const name = environmentName(key);
    return [`${name} (${variableOrigin(name)})`, environment.source(name)];
  };
  const userSource = userFolderSource(runtime, root);
  const layers: readonly (readonly [of: typeof ofVariable, values: Partial<Settings>])[] = [
    [() => ["flag", USER], { ...runtime.caller?.flags, ...options.flags }],
    [ofVariable, fromEnvironment(environment.values, (read) => orReport("settings", read, () => undefined))],
    [() => [projectFile, projectFile], layer(() => readSettingsFile(projectFile))],
    [() => [userFile, userSource], layer(() => readSettingsFile(userFile))],
  ];
  const values = resolveTunnelMode(layers.map(([, each]) => each));
  const settings: Record<string, unknown> = { ...defaults };
  const origins: Record<string, string> = {};
  const sources: Record<string, Source> = {};
  for (const key of Object.keys(defaults)) {
    const at = values.findIndex((each) => Reflect.get(each, key) !== undefined);
    const [origin, source] = layers[at]?.[0](key) ?? ["default", USER];
    [origins[key], sources[key]] = [origin, source];
    const value: unknown = Reflect.get(values[at] ?? {}, key);
    const check = (): unknown => rejectControlCharacters(value, settingName(key, origin));
    const checked = source === USER ? value : orReport("settings", check, () => undefined);
    if (checked !== undefined) settings[key] = checked;
  }
  orReport(
    "settings",
    () => checkLogPlace(String(settings.store), origins.store),
    () => {
      settings.store = defaults.store;
    },
  );
  const known = runtime.knownSecrets;
  rememberSettings(known, environment.values, settings as unknown as Settings);
  const stored = orReport(
    "secrets",
    () => readStoredSecrets(root, known),
    () => undefined,
  );
  const from = { root, known, sourceOf: environment.source, stored };
  const given = options.secrets && { ...runtime.caller?.secrets, ...options.secrets };
  const secrets = orReport(
    "secrets",
    () => readSecrets({ ...from, env: environment.values, given }),
    () => readSecrets({ ...from, env: withoutEmpty(environment.values) }),
  );
  return {
    root,
    settings: settings as unknown as Settings,
    origins: origins as Config["origins"],
    sourceOf: (name) => sources[name] ?? environment.source(name),
    secrets,
    storeSecret: (...offered) => (stored ?? readStoredSecrets(root, known)).store(...offered),
    importModule: runtime.importModule,
    env: environment.values,
    ignoredVariables: environment.ignored,
    variableOrigin,
  };
}

/**
 * The nearest folder upwards with a config file, else the working folder. A config file above the working folder, as in a
 * shared /tmp, is ignored where another user has a part in it: code that it names would be run.
 */
function findRoot({ cwd, report }: Pick<Context, "cwd" | "report">): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, CONFIG_FILE);
    rejectServerLink(folder, file);
    if (existsSync(file)) {
      const parts = folder === cwd ? [] : [file, folder, join(folder, ENV_FILE), join(folder, PROJECT_FOLDER)];
      const foreign = parts.find((path) => !isTrustedOwner(path, cwd));
      if (foreign === undefined) return folder;
      const hint =
        "if it is meant for you, change its owner to you (chown); or create a config in your own project folder";
      const unused = foreign === file ? "it" : file;
      report({ type: "warning", message: `${foreign} belongs to another user, so ${unused} is not used`, hint });
    }
    if (dirname(folder) === folder) return cwd;
  }
}

/** Parsers of URLs skip tabs, line breaks and the like: a question could show another host than is connected to. */
function rejectControlCharacters(value: unknown, name: string): unknown {
  if (!/\p{Cc}/u.test([value].flat().join(""))) return value;
  throw usageError(`${name} has a control character, such as a tab or line break`, "remove it");
}

/** A mistyped address is no file: its password would be in the names of folders, and in what is said of them. */
function checkLogPlace(store: string, origin = ""): void {
  if (/^postgres(?:ql)?:\/\//i.test(store) || !/^(?:[a-z][a-z0-9+.-]+:\/\/|postgres\w*:?\/.*@)/i.test(store)) return;
  throw usageError(
    `the setting store (${origin}) is neither a file nor the address of a PostgreSQL database`,
    "write an address as postgres://host/database, with user:password@ before the host",
  );
}

/** The path of the log; of one on a server the address, without its password. */
export function logName({ root, settings: { store } }: Pick<Config, "root" | "settings">): string {
  const text = String(store);
  return text.includes("://") ? maskSetting(text) : resolve(root, text);
}

/** Where the log is, and who has named it. */
export function logPlace({ root, settings: { store }, sourceOf }: Pick<Config, "root" | "settings" | "sourceOf">) {
  return { root, store: String(store), source: sourceOf("store") };
}

/** Whether the log is in the project, or a file or link of the project names it, so that it may have come with a clone. */
export function isProjectLog(config: Pick<Config, "root" | "settings" | "sourceOf">): boolean {
  const file = logFile(config);
  const isInRepository = file !== undefined && isInClone(config.root, file);
  return config.sourceOf("store") !== USER || isStoreInProject(config) || !isSharedLog(config) || isInRepository;
}

/** Whether other projects may use the log as well, whoever has named it here: it is on a server, or outside the project. */
export function isSharedLog(config: Pick<Config, "root" | "settings">): boolean {
  const file = logFile(config);
  return file === undefined || isAbove(config.root, file);
}

/** Where the log's file is, behind the clone's links; undefined on a server. */
export function logFile(config: Pick<Config, "root" | "settings">): string | undefined {
  const log = logName(config);
  return isAbsolute(log) ? clonedPlace(config.root, log) : undefined;
}

/** Whether the log is named by a relative path in the project, as by default. Whoever named it, a link may have come with the project. */
export function isStoreInProject({ root, settings: { store } }: Pick<Config, "root" | "settings">): boolean {
  if (store === false || store.includes("://") || isAbsolute(store)) return false;
  return !isAbove(root, resolve(root, store));
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

/** Whether the user's folder may have come with a clone, as where a container has the project as HOME. */
export function isUserFolderInProject(runtime: UserPlaces, root: string): boolean {
  return isInClone(root, userFolder(runtime));
}

/** Who made what is in the user's folder. */
export function userFolderSource(runtime: UserPlaces, root: string): Source {
  return isUserFolderInProject(runtime, root) ? userFolder(runtime) : USER;
}

export function isInClone(root: string, path: string): boolean {
  return clonedFolders(root).some((folder) => !isAbove(folder, path) || !isAbove(realPath(folder), realPath(path)));
}

/**
 * The folders that may have come with a clone: the project, and the Git work trees around it. One that has the account's
 * home folder in it, as for a repository of dotfiles, is the user's own.
 */
function clonedFolders(root: string): readonly string[] {
  const home = realPath(accountHome());
  const trees = parents(dirname(root)).filter((folder) => existsSync(join(folder, ".git")));
  return [root, ...trees].filter((folder) => isAbove(realPath(folder), home));
}

/** The outermost folder that may have come with a clone: links below it may have, too. */
function outermostCloned(root: string): string {
  return clonedFolders(root).at(-1) ?? root;
}

/** Where the links of a clone lead a path, by their text. */
export function clonedPlace(root: string, path: string): string {
  return linkedPlace(outermostCloned(root), path);
}

/**
 * A test of paths in a folder: whether a link leads out of the project, or of a work tree around it. Where the folder is itself
 * outside of one of these, that was the user's choice.
 */
export function leadsOutOfClone(root: string, folder: string): (path: string) => boolean {
  const around = [...new Set([root, ...clonedFolders(root)])].filter((each) => !leadsOut(each, folder));
  return (path) => around.some((each) => leadsOut(each, path));
}

/** Throws a usage error for a path through a link that may have come with a clone: it may lead anywhere. */
export function rejectClonedLink(root: string, path: string): void {
  const folders = [root, ...clonedFolders(root)].map(realPath);
  const link = findLinkWithin(folders, path);
  if (link !== undefined) throw linkError(link);
}

/** Throws a usage error for a pipe or device in a clone: it may have no reader. */
export function rejectClonedPipe(root: string, path: string): void {
  if (isDevice(path) && isInClone(root, path)) throw usageError(`${path} cannot be written: ${NOT_A_FILE}`);
}

function parents(folder: string): readonly string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...parents(dirname(folder))];
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whatever HOME says. A container may have no such account. */
function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return "/";
  }
}

function withoutEmpty(env: Config["env"]): Config["env"] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ""));
}

function fromEnvironment(env: Config["env"], attempt: (read: () => unknown) => unknown): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(readers)) {
    const name = environmentName(key);
    const text = env[name];
    if (text !== undefined && text !== "") found[key] = attempt(() => read(text, name));
  }
  return found;
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

/**
 * The first file or folder of another user on the way from a project's folder to a path, or in it. In a project above the
 * working folder, as in a shared /tmp, others may have put it there. Undefined for the working folder's own project.
 */
export function foreignPlace({ cwd }: Pick<Context, "cwd">, root: string, path: string): string | undefined {
  if (root === cwd || isAbove(root, path)) return undefined;
  const way = parents(path).filter((place) => !isAbove(root, place));
  // Modules import packages from there.
  const packages = way.map((place) => join(place, "node_modules"));
  // Those of a product.
  const within = [path, join(path, "fixtures"), join(path, "schemas")].flatMap(placesIn);
  return [...way.toReversed(), ...packages, ...within].find((place) => !isTrustedOwner(place, cwd));
}

function placesIn(folder: string): readonly string[] {
  try {
    return isFolder(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  } catch (error) {
    throw usageError(`${folder} cannot be read: ${errorText(error)}`);
  }
}

/**
 * Whether a file belongs to this user, to root or to the owner of the working folder; of a link, also what it leads to. True
 * where there is no such file. Windows has no such owners.
 */
function isTrustedOwner(file: string, cwd: string): boolean {
  const user = geteuid?.();
  if (user === undefined) return true;
  const trusted = [0, statSync(cwd).uid, user];
  try {
    return trusted.includes(lstatSync(file).uid) && trusted.includes(statSync(file).uid);
  } catch (error) {
    return isAbsent(error);
  }
}
