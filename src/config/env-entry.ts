import { parseEnv } from "node:util";
import { usageError } from "../core/errors.ts";
import type { LineFile } from "./line-file.ts";

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
