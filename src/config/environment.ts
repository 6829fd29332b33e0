import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Runtime } from "../context.ts";
import { errorText, usageError } from "../core/errors.ts";

export const ENV_FILE = ".env";

/** The real environment with the project's `.env` beneath it. */
export interface Environment {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** Where a variable was set: `environment`, or the path of the `.env`. */
  origin(name: string): string;
}

export function readEnvironment(runtime: Pick<Runtime, "env">, root: string): Environment {
  const path = join(root, ENV_FILE);
  return {
    values: { ...readEnvFile(path), ...runtime.env },
    origin: (name) => (runtime.env[name] === undefined ? path : "environment"),
  };
}

/** The variables of a `.env`; none where there is no such file. */
export function readEnvFile(path: string): Readonly<Record<string, string | undefined>> {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file === undefined || file.isDirectory() ? {} : parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}
