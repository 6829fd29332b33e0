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
  let bytes: Buffer;
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    if (file === undefined || file.isDirectory()) return {};
    bytes = readFileSync(path);
  } catch (error) {
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
  // PowerShell writes it so, and nothing in it would be found.
  if (bytes.includes(0)) throw usageError(`${path} is not UTF-8 text`, "save it as UTF-8");
  return parseEnv(assignments(bytes.toString("utf8").replace(/^\uFEFF/, ""), path));
}

const ASSIGNMENT = /^\s*(?:export\s+)?[^\s=#]+\s*=\s*(?<value>.*)$/;

/** The text without what is no assignment, which Node would make one of with the line below it. */
function assignments(text: string, path: string): string {
  let quote: string | undefined;
  const lines = text.split(/\r\n?|\n/).map((line, i) => {
    if (quote !== undefined) {
      if (line.includes(quote)) quote = undefined;
      return line;
    }
    const value = ASSIGNMENT.exec(line)?.groups?.value;
    const first = value?.[0] ?? "";
    if (/["'`]/.test(first) && !value?.includes(first, 1)) quote = first;
    if (value !== undefined || /^\s*(?:#|$)/.test(line)) return line;
    if (!/\b(?:ZOHO|NGROK)_/.test(line)) return "";
    throw usageError(`${path}:${i + 1} is not an assignment`, "write it as NAME=value");
  });
  // A quote that is never closed holds no text of several lines.
  return quote === undefined ? lines.join("\n") : text;
}
