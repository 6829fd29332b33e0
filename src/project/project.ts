import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Runtime } from "../process/runtime.ts";
import { ENV_FILE, readEnvFile } from "./environment.ts";
import { CONFIG_FILE, SETTINGS, type Settings } from "./settings.ts";
import { readSettingsFile } from "./settings-file.ts";
import { type Env, isReadFromFile } from "./variables.ts";

/** What the files of a folder set. */
export interface Project {
  /** The folder of the nearest config file upwards, else the working folder. */
  readonly root: string;
  /** The variables of its `.env`. */
  readonly variables: Env;
  /** The settings of its config file. */
  readonly settings: Partial<Settings>;
  /** The schema files, relative to the root, that the user trusts it to run; none by default. */
  readonly code?: readonly string[] | "all";
}

/** Called instead of throwing; what cannot be read is then left out. */
export type OnFault = (error: unknown) => void;

/** Reads the config file and the `.env` of the current project. Throws usage errors with file and line. */
export function readProject(runtime: Pick<Runtime, "cwd">, onFault?: OnFault): Project {
  const root = findRoot(runtime.cwd);
  const attempt = attempts(onFault);
  const variables = attempt(() => readEnvFile(join(root, ENV_FILE))) ?? {};
  return {
    root,
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => isReadFromFile(name))),
    settings: attempt(() => readSettingsFile(join(root, CONFIG_FILE))) ?? {},
  };
}

/** The folder alone, as where the user does not trust its files. */
export function withoutFiles({ root }: Project): Project {
  return { root, variables: {}, settings: {} };
}

/** The settings of variables such as `ZOHO_HOOKS_PORT`. */
export function settingsOf(env: Env, onFault?: OnFault): Partial<Settings> {
  const attempt = attempts(onFault);
  const found: Record<string, unknown> = {};
  for (const { key, variable, read } of SETTINGS) {
    const text = variable && env[variable];
    if (text) found[key] = attempt(() => read?.(text, variable));
  }
  return found;
}

function attempts(onFault: OnFault | undefined) {
  return <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error);
      return undefined;
    }
  };
}

function findRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}
