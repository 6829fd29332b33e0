import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Runtime } from "../runtime.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";

export const ENV_FILE = ".env";

/** The real environment with the project's `.env` beneath it. */
interface Environment {
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

/** A text file of lines that belongs to the user: read to be added to, every byte of theirs kept. */
export interface LineFile {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly bytes: Buffer | undefined;
}

export function readLineFile(path: string): LineFile {
  try {
    return { path, bytes: readFileSync(path) };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { path, bytes: undefined };
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** The lines without their ends. */
export function linesOf({ bytes }: LineFile): readonly string[] {
  return (bytes?.toString("utf8") ?? "").split(/\r?\n/);
}

/** The file with lines at its end, in the kind of line end that it has. */
export function appendLines({ bytes = Buffer.alloc(0) }: LineFile, lines: readonly string[]): Buffer {
  const end = bytes.includes("\r\n") ? "\r\n" : "\n";
  const unfinished = bytes.length > 0 && bytes.at(-1) !== 0x0a;
  const added = lines.map((line) => line + end).join("");
  return Buffer.concat([bytes, Buffer.from((unfinished && added !== "" ? end : "") + added)]);
}

/** A line of a `.env` that is read back as exactly this value. Throws a UserError for a value that none can hold. */
export function envEntry(name: string, value: string): string {
  const plain = /^[\w.+/=@:-]+$/.test(value) ? [value] : [];
  const entry = [...plain, `'${value}'`, `"${value}"`, `\`${value}\``]
    .map((text) => `${name}=${text}`)
    .find((line) => !/[\r\n]/.test(line) && parseEnv(line)[name] === value);
  if (entry !== undefined) return entry;
  throw usageError(
    `the value for ${name} cannot be written into .env: it has line breaks, or quotes of every kind`,
    `set ${name} in the environment instead`,
  );
}

/** The file without the entries of these names that have no value: they wait to be filled in. */
export function withoutEmptyEntries(file: LineFile, names: readonly string[]): LineFile {
  if (file.bytes === undefined || names.length === 0) return file;
  const entry = new RegExp(
    `^[ \\t]*(?:export[ \\t]+)?(?:${names.join("|")})[ \\t]*=[ \\t]*(?:''|"")?[ \\t]*(?:\\r?\\n|$(?![^]))`,
    "gm",
  );
  // Latin-1 keeps every byte, also of a file that is no UTF-8.
  return { path: file.path, bytes: Buffer.from(file.bytes.toString("latin1").replace(entry, ""), "latin1") };
}
