import { parseEnv } from "node:util";
import { usageError } from "../util/errors.ts";
import { isFolder, MAX_SETTINGS_BYTES, readBytes, readText } from "../util/files.ts";

export const ENV_FILE = ".env";

/** The variables of a `.env`; none where there is no such file. */
export function readEnvFile(path: string): Readonly<Record<string, string | undefined>> {
  // A folder of this name is a virtual environment of Python.
  const text = isFolder(path) ? undefined : readText(path, MAX_SETTINGS_BYTES);
  return text === undefined ? {} : parseEnvFile(text, path);
}

/**
 * Throws a usage error for what looks like a mistake: UTF-16, a line of a ZOHO_ variable without `=`, a quote left open. `path`
 * is for its message. Each assignment is parsed by itself, because Node joins a line without `=` with the next one.
 */
export function parseEnvFile(text: string, path: string): Readonly<Record<string, string | undefined>> {
  // PowerShell writes UTF-16, in which no variable would be found.
  if (text.includes("\0")) throw usageError(`${path} is not UTF-8 text`, "save it as UTF-8");
  const values: Record<string, string | undefined> = {};
  const lines = text.replace(/^\ufeff/, "").split(/\r\n?|\n/);
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const { name, start = "" } = ASSIGNMENT.exec(line)?.groups ?? {};
    const continuation = lines.slice(at + 1, endOfValue(lines, at + 1, start));
    if (name !== undefined) {
      if (hidesAssignments(name, continuation)) {
        throw usageError(
          `${path}:${at + 1}: the quoted value of ${name} continues over lines that look like variables`,
          "close its quote before them, or write it on one line",
        );
      }
      const value = parseEnv(`value=${[start, ...continuation].join("\n")}\n`).value ?? "";
      // Node 20 leaves a tab before a comment.
      values[name] = QUOTE.test(start) ? value : value.trim();
    } else if (/\b(?:ZOHO|NGROK)_/.test(line) && !/^\s*#/.test(line)) {
      throw usageError(`${path}:${at + 1} is not an assignment`, "write it as NAME=value");
    }
    at += 1 + continuation.length;
  }
  return values;
}

const ASSIGNMENT = /^\s*(?:export\s+)?(?<name>[^\s=#]+)\s*=[ \t]*(?<start>.*)$/s;
const QUOTE = /^["'`]/;
const OWN_NAME = /^(?:ZOHO|NGROK)_/;

/** The index of the line after a value that began before the line `at`: `at` where its quote is never closed. */
function endOfValue(lines: readonly string[], at: number, start: string): number {
  const [quote] = QUOTE.exec(start) ?? [];
  if (quote === undefined || start.includes(quote, 1)) return at;
  for (let i = at; i < lines.length; i++) if (lines[i]?.includes(quote)) return i + 1;
  return at;
}

/** A quote left open would hide variables of the user, and in a URL send their secrets to the host that it names. */
function hidesAssignments(name: string, continuation: readonly string[]): boolean {
  return continuation.some((line) => {
    // Also one that is commented out.
    const { name: hidden = "", start = "" } = ASSIGNMENT.exec(line.replace(/^[\s#]+/, ""))?.groups ?? {};
    // Base64 ends with such characters.
    const isAssignment = /^[\w.-]+$/.test(hidden) && /[^=\s"'`]/.test(start);
    return isAssignment && (OWN_NAME.test(name) || OWN_NAME.test(hidden));
  });
}

/** A text file of the user to append lines to, as bytes, so that none of theirs changes. */
export interface LineFile {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly bytes: Buffer | undefined;
}

export function readLineFile(path: string): LineFile {
  return { path, bytes: readBytes(path) };
}

export function linesOf({ bytes }: LineFile): readonly string[] {
  return (bytes?.toString("utf8") ?? "").split(/\r?\n/);
}

/** The content with lines appended, with the file's own kind of line ends. */
export function appendLines({ bytes = Buffer.alloc(0) }: LineFile, lines: readonly string[]): Buffer {
  const end = bytes.includes("\r\n") ? "\r\n" : "\n";
  const unfinished = bytes.length > 0 && bytes.at(-1) !== 0x0a;
  const added = lines.map((line) => line + end).join("");
  return Buffer.concat([bytes, Buffer.from((unfinished && added !== "" ? end : "") + added)]);
}

/** A line of a `.env` that is read back as exactly this value. Throws a usage error where there is none. */
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

/** The file without those entries of these names that are empty and wait for a value. */
export function withoutEmptyEntries(file: LineFile, names: readonly string[]): LineFile {
  if (file.bytes === undefined || names.length === 0) return file;
  const entry = new RegExp(
    `^[ \\t]*(?:export[ \\t]+)?(?:${names.join("|")})[ \\t]*=[ \\t]*(?:''|"")?[ \\t]*(?:\\r?\\n|$(?![^]))`,
    "gm",
  );
  // Latin-1 preserves every byte, also of a file that is not UTF-8.
  return { path: file.path, bytes: Buffer.from(file.bytes.toString("latin1").replace(entry, ""), "latin1") };
}
