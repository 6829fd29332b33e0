import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { maskSetting } from "../delivery/mask.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import { orUndefined } from "../util/errors.ts";
import { isHttpUrl } from "../util/hosts.ts";
import { isAbove, isLink } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import { ENV_FILE } from "./environment.ts";
import { isAddress, outside, type Place } from "./needs-trust.ts";
import { type Project, settingsOf } from "./project.ts";
import { isModule, schemaFilesIn } from "./schema-files.ts";
import { secretOfFile } from "./secret-variables.ts";
import { KEYS_FOLDER, MULTI_LINE, namesFile } from "./secrets.ts";
import { CONFIG_FILE, defaults, PROJECT_FOLDER, SETTINGS, type Setting, type Settings } from "./settings.ts";
import { variableOf } from "./variables.ts";

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

/** Lists what the files of a folder decide beyond this machine and folder, each once for each file. */
export function decisionsOf(project: Project, userStore?: string): readonly Decision[] {
  const { root, settings } = project;
  const place = { root, userStore };
  const found = [
    ...settingDecisions(settings, CONFIG_FILE, place),
    ...codeOf(project).map((path) => ({ label: "code", value: shown(path), file: CONFIG_FILE })),
    ...settingDecisions(envFileSettings(project), ENV_FILE, place),
    ...variableDecisions(project),
    ...linksOut(root).map((path) => ({ label: "link", value: shown(path), file: "" })),
    ...storedFiles(project, userStore).flatMap(({ decision, isThere }) => (isThere ? [decision] : [])),
  ];
  const texts = found.map((each) => decisionText(each) + each.file);
  return found.filter((_, i) => texts.indexOf(texts[i] ?? "") === i);
}

/** Lists what the settings of a folder's file decide. */
export function settingDecisions(settings: Partial<Settings>, file: string, place: Place): readonly Decision[] {
  return SETTINGS.toSorted((a, b) => rank(a) - rank(b)).flatMap(({ key, reach }) => {
    const value = settings[key];
    const parts = value === undefined ? [] : reach(value, place);
    return parts.map((text) => ({ label: key, value: shown(text), file }));
  });
}

/** Targets come first, and products last, before the code of their schemas. */
function rank({ key }: Setting): number {
  return key === "products" ? 2 : key === "forwardTo" || key === "routes" ? 0 : 1;
}

/** The settings of a `.env`. Invalid ones end the command later. */
function envFileSettings({ variables }: Project): Partial<Settings> {
  return settingsOf(variables, () => undefined);
}

function variableDecisions({ root, variables }: Project): readonly Decision[] {
  return Object.entries(variables).flatMap(([name, value = ""]) => {
    const isFile = secretOfFile(name) !== undefined;
    const variable = variableOf(name);
    if (variable !== undefined) {
      const { decides, isSecret } = variable;
      // The command of a program is whole: nothing in it is a secret.
      const text = decides === "program" ? oneLine(value) : shown(value);
      return [{ label: decides, value: isSecret && !isFile ? name : `${name}=${text}`, file: ENV_FILE }];
    }
    const isKey = MULTI_LINE.some((credential) => name.startsWith(CREDENTIAL_VARIABLES[credential]));
    if (isFile)
      return outside(root, value).map((place) => ({ label: "key", value: `${name}=${shown(place)}`, file: ENV_FILE }));
    if (!isKey) return [];
    const places = isUrl(value) ? [value] : namesFile(value) ? outside(root, value) : [];
    return places.map((place) => ({ label: "key", value: `${name}=${shown(place)}`, file: ENV_FILE }));
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
  return isHttpUrl(text.trim());
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
  const names = orUndefined(() => readdirSync(join(root, PROJECT_FOLDER)).toSorted()) ?? [];
  const inFolder = names.map((name) => join(PROJECT_FOLDER, name));
  return [CONFIG_FILE, ENV_FILE, PROJECT_FOLDER, ...inFolder]
    .filter((name) => isLink(join(root, name)))
    .flatMap((name) => outside(root, name));
}

/**
 * The files that a folder may have brought: its log, which has targets and secrets in it, and its keys. `isThere`: also where
 * only a file beside the log is, such as its journal.
 */
export function storedFiles(project: Project, userStore: string | undefined) {
  const { root, settings } = project;
  const stores = [defaults.store, settings.store, envFileSettings(project).store, userStore];
  const logs = stores.filter((store) => typeof store === "string").filter((store) => !isAddress(store));
  // By the file system, which may ignore case.
  const file = (label: string, path: string) => ({
    path,
    decision: { label, value: shown(relative(root, path)), file: "" },
    // What cannot be examined, as below a file, cannot be read either.
    isThere: ["", "-journal", "-wal", "-shm", "-lock"].some((end) =>
      orUndefined(() => lstatSync(path + end, { throwIfNoEntry: false })),
    ),
  });
  return [
    ...logs.map((log) => file("existing log", resolve(root, log))),
    file("existing keys", join(root, KEYS_FOLDER)),
  ].filter(({ path }) => !isAbove(root, path));
}
