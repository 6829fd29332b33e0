import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CREDENTIAL_VARIABLES } from "../body/secret.ts";
import { originOf, targetUrl } from "../body/target-url.ts";
import { parseRoute } from "../core/event-names.ts";
import { maskSetting } from "../core/mask.ts";
import { isLocalUrl, isSafeWithoutTls } from "../util/hosts.ts";
import { isAbove, isLink, realPlace } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import { VARIABLES, type Variable, type VariableName } from "../util/variables.ts";
import { ENV_FILE } from "./environment.ts";
import { isModule, schemaFilesIn } from "./own/schema-files.ts";
import { type Project, settingsOf } from "./project.ts";
import { KEYS_FOLDER, MULTI_LINE, namesFile } from "./secrets.ts";
import { CONFIG_FILE, defaults, PROJECT_FOLDER, type Settings } from "./settings.ts";

/** Something that a folder's files decide beyond this machine or folder. Its texts are without secrets, of one line. */
export interface Decision {
  /** A setting, or what kind of thing it is: `forwardTo`, `code`, `tunnel`. */
  readonly label: string;
  readonly value: string;
  /** The file that decides it, relative to the folder; empty where it is the folder itself. */
  readonly file: string;
}

/** The text that is remembered: `forwardTo http://app:3000/`. */
export function decisionText({ label, value }: Decision): string {
  return `${label} ${value}`;
}

/** Returns the parts of a value that reach beyond this machine or folder. */
type Reach<Value> = (value: NonNullable<Value>, root: string) => readonly string[];

/** It decides nothing beyond this machine and folder. */
const harmless = (): readonly string[] => [];

/** Every setting has an entry, so that a new one does not compile without. */
const SETTINGS: { readonly [Key in keyof Settings]: Reach<Settings[Key]> } = {
  forwardTo: (targets) => remoteOrigins(targets),
  routes: (routes) => remoteOrigins(routes.map((text) => parseRoute(text, "routes").target)),
  host: (host) => (host === "::1" || isSafeWithoutTls(host) ? [] : [host]),
  insecure: (insecure) => (insecure ? ["true"] : []),
  store: (store, root) => (store === false ? [] : store.includes("://") ? [store] : outside(root, store)),
  publicUrl: (url) => [url],
  ngrokServerAddr: (address) => [address],
  ngrokRootCas: (path) => [path],
  products: (products, root) =>
    Object.values(products).flatMap(({ path, schema }) =>
      [path ?? [], schema ?? []].flat().flatMap((each) => outside(root, each)),
    ),
  // Its domain is of the account whose token is used.
  tunnel: harmless,
  domain: harmless,
  tunnelTimeout: harmless,
  port: harmless,
  maxBody: harmless,
  schema: harmless,
  onInvalid: harmless,
  tolerance: harmless,
  events: harmless,
  allowIp: harmless,
  allowZohoIps: harmless,
  allowUnsigned: harmless,
  respond: harmless,
  retries: harmless,
  retryBase: harmless,
  concurrency: harmless,
  ordered: harmless,
  forwardTimeout: harmless,
  keep: harmless,
  maxLog: harmless,
};

/** What the files of a folder decide beyond this machine and folder, each once for each file. */
export function decisionsOf(project: Project): readonly Decision[] {
  const { root, variables, settings } = project;
  const found = [
    ...settingDecisions(settings, root, CONFIG_FILE),
    ...codeOf(project).map((path) => ({ label: "code", value: shown(path), file: CONFIG_FILE })),
    ...settingDecisions(
      settingsOf(variables, () => undefined),
      root,
      ENV_FILE,
    ),
    ...variableDecisions(project),
    ...linksOut(root).map((path) => ({ label: "link", value: shown(path), file: "" })),
  ];
  const texts = found.map((each) => decisionText(each) + each.file);
  return found.filter((_, i) => texts.indexOf(texts[i] ?? "") === i);
}

function settingDecisions(settings: Partial<Settings>, root: string, file: string): readonly Decision[] {
  return (Object.keys(SETTINGS) as (keyof Settings)[]).flatMap((key) => {
    const value = settings[key];
    if (value === undefined) return [];
    const reach = SETTINGS[key] as Reach<unknown>;
    return reach(value, root).map((text) => ({ label: key, value: shown(text), file }));
  });
}

function variableDecisions({ root, variables }: Project): readonly Decision[] {
  return Object.entries(variables).flatMap(([name, value = ""]) => {
    const decision = { file: ENV_FILE };
    if (Object.hasOwn(VARIABLES, name)) {
      const { decides, isSecret }: Variable = VARIABLES[name as VariableName];
      return [{ ...decision, label: decides, value: isSecret ? name : `${name}=${shown(value)}` }];
    }
    const isKey = MULTI_LINE.some((credential) => name.startsWith(CREDENTIAL_VARIABLES[credential]));
    if (!isKey) return [];
    const places = isUrl(value) ? [value] : namesFile(value) ? outside(root, value) : [];
    return places.map((place) => ({ ...decision, label: "key", value: `${name}=${shown(place)}` }));
  });
}

/** On one line and without secrets. Two long texts with the same beginning stay two. */
function shown(text: string): string {
  const short = maskSetting(text);
  if (text.length <= MAX_SHOWN) return short;
  return `${short.slice(0, MAX_SHOWN)}… (SHA-256 ${createHash("sha256").update(text).digest("hex").slice(0, 16)})`;
}

const MAX_SHOWN = 200;

/** As its reader sees it, which ignores some characters around it. */
function isUrl(text: string): boolean {
  return URL.canParse(text.trim()) && /^https?:$/.test(new URL(text.trim()).protocol);
}

/** Origins alone: another path of the same server is nothing new. */
function remoteOrigins(targets: readonly string[]): readonly string[] {
  return targets
    .map((target) => targetUrl(target, "crm", { host: "localhost", port: defaults.port }))
    .filter((url) => !isLocalUrl(url))
    .map(originOf);
}

/** The schema files of the project that would be run, relative to its folder. */
export function codeOf({ root, settings: { products = {} } }: Project): readonly string[] {
  return Object.values(products)
    .flatMap(({ path, schema }) => {
      const { events, all } = path === undefined ? NO_FILES : schemaFilesIn(resolve(root, path));
      return [...events, ...all, ...(schema === undefined ? [] : [resolve(root, schema)])];
    })
    .filter(isModule)
    .map((file) => relative(root, file));
}

const NO_FILES = { events: [], all: [] };

/** Files of zoho-hooks in the folder that are links out of it. */
function linksOut(root: string): readonly string[] {
  const inFolder = namesIn(join(root, PROJECT_FOLDER)).map((name) => join(PROJECT_FOLDER, name));
  return [CONFIG_FILE, ENV_FILE, PROJECT_FOLDER, ...inFolder]
    .filter((name) => isLink(join(root, name)))
    .flatMap((name) => outside(root, name));
}

/** A path as it is written, and where it leads, if that is outside the folder by itself or through a link. */
function outside(root: string, path: string): readonly string[] {
  const place = realPlace(resolve(root, path));
  if (!isAbove(realPlace(root), place)) return [];
  return [place === resolve(realPlace(root), path) ? path : `${path} → ${place}`];
}

/**
 * The log and the keys that a folder has. In one that nothing is remembered of they came along with it: a stranger's log has
 * targets and secrets in it.
 */
export function filesThere({ root, settings, variables }: Project): readonly Decision[] {
  const { store = settings.store ?? defaults.store } = settingsOf(variables, () => undefined);
  const logs = [defaults.store, store].filter((each) => typeof each === "string" && !each.includes("://"));
  const names = [...new Set(logs as string[])].flatMap((log) => [log, `${log}-journal`, `${log}-wal`]);
  return [...names, KEYS_FOLDER]
    .filter((name) => exists(resolve(root, name)) && !isAbove(root, resolve(root, name)))
    .map((name) => ({
      label: name === KEYS_FOLDER ? "keys" : "log",
      value: `${oneLine(name)} (already there)`,
      file: "",
    }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** False also for what cannot be examined, as below a file: it cannot be read either. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
