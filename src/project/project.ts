import { join } from "node:path";
import type { Runtime } from "../process/runtime.ts";
import { ENV_FILE, readEnvFile } from "./environment.ts";
import { findRoot } from "./folder.ts";
import { CONFIG_FILE, SETTINGS, type Settings } from "./settings.ts";
import { readSettingsFile } from "./settings-file.ts";
import { type Env, isReadFromFile } from "./variables.ts";

/** The folder that a command works in, the user's own, and what their files set. Read once, before the command begins. */
export interface Project {
  /** The folder of the nearest config file upwards, else the working folder. */
  readonly root: string;
  /** The variables of its `.env`. */
  readonly variables: Env;
  /** The settings of its config file. */
  readonly settings: Partial<Settings>;
  /** The schema files, relative to the root, that the user trusts it to run; none by default. */
  readonly code?: readonly string[] | "all";
  /** Returns the settings of the user's own config file, or throws a usage error. */
  userSettings(): Partial<Settings>;
}

/** Called instead of throwing; what cannot be read is then left out. */
export type OnFault = (error: unknown) => void;

type Places = Pick<Runtime, "cwd"> & { readonly userFolder: string };

/** Reads the config file and the `.env` of the current project. Throws usage errors with file and line. */
export function readProject(places: Places, onFault?: OnFault): Project {
  const root = findRoot(places.cwd);
  const variables = orReport(onFault, () => readEnvFile(join(root, ENV_FILE))) ?? {};
  let ofUser: Partial<Settings> | undefined;
  return {
    root,
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => isReadFromFile(name))),
    settings: orReport(onFault, () => readSettingsFile(join(root, CONFIG_FILE))) ?? {},
    userSettings() {
      ofUser ??= readSettingsFile(join(places.userFolder, USER_CONFIG_FILE));
      return ofUser;
    },
  };
}

export const USER_CONFIG_FILE = "config.json";

/** The settings of variables such as `ZOHO_HOOKS_PORT`. */
export function settingsOf(env: Env, onFault?: OnFault): Partial<Settings> {
  const found = SETTINGS.flatMap(({ key, variable, read }) => {
    const text = variable && env[variable];
    return text ? [[key, orReport(onFault, () => read?.(text, variable))]] : [];
  });
  return Object.fromEntries(found);
}

/** Undefined, and reported, for what cannot be read. */
export function orReport<T>(onFault: OnFault | undefined, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (onFault === undefined) throw error;
    onFault(error);
    return undefined;
  }
}
