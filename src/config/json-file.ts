import { readFileSync, statSync } from "node:fs";
import { errorCode, errorText, type UserError, usageError } from "../core/errors.ts";
import { locate, parseJson } from "../core/json-text.ts";

/** It went away since it was asked for, or one of its folders is a file. */
const ABSENT = ["ENOENT", "ENOTDIR"];

/** A text file of the user's; undefined where there is none. */
export function readText(path: string): string | undefined {
  try {
    // Asked first: an error for each file that a project does not have takes longer.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    // Some editors on Windows put a byte order mark in front, which JSON.parse refuses.
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if (ABSENT.includes(errorCode(error) ?? "")) return undefined;
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** Throws a usage error that names the place for what is not JSON. */
export function parseJsonFile(text: string, path: string): unknown {
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  const { line = 1, column = 1 } = parsed.position ?? {};
  throw usageError(`${path}:${line}:${column}: not valid JSON: ${parsed.reason}`);
}

/** What is wrong with one value of a file, with its place. */
export function fileError(
  text: string,
  path: string,
  keys: readonly PropertyKey[],
  message: string,
  hint?: string,
): UserError {
  const { line, column } = locate(text, keys);
  const name = keys.length === 0 ? "the file" : keys.map(String).join(".");
  return usageError(`${path}:${line}:${column}: ${name}: ${message}`, hint);
}
