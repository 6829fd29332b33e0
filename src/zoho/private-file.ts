import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errorText, UserError } from "../core/errors.ts";
import { parseJson } from "../core/json-text.ts";
import { sleepRealTime } from "./backoff.ts";

/** Readable by the user alone. Windows has no such mode: there the folder under APPDATA is the user's own. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** The JSON in a file; undefined when there is no such file. A damaged one is an error that names it. */
export async function readPrivateJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw fileError(path, "read", error);
  }
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  throw new UserError(
    "credentials",
    `${path} is damaged: ${parsed.reason}`,
    "delete the file and sign in again (zoho-hooks login)",
  );
}

/** Replaces a file as a whole: another process sees the old content or the new one, never a part. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    const file = await open(temporary, "wx", FILE_MODE);
    try {
      await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, FILE_MODE);
    await replace(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(path, "written", error);
  }
}

/** On Windows a rename fails while a virus scanner or another process has the target open, which passes. */
async function replace(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const passing = hasCode(error, "EPERM") || hasCode(error, "EACCES") || hasCode(error, "EBUSY");
      if (!passing || tries === 10) throw error;
      await sleepRealTime(20 * tries);
    }
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function fileError(path: string, verb: string, error: unknown): UserError {
  return new UserError(
    "credentials",
    `${path} could not be ${verb}: ${errorText(error)}`,
    "check that the folder is yours and that the disk has room; XDG_CONFIG_HOME (APPDATA on Windows) names another one",
  );
}
