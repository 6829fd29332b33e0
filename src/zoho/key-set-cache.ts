import { createHash, randomBytes } from "node:crypto";
// `promises` of node:fs is loaded when it is first used; node:fs/promises would be with every command.
import { promises } from "node:fs";
import { join } from "node:path";
import { readKeySet } from "../core/key-set.ts";
import { makeFolder } from "../files/make-folder.ts";

/** A key set that was fetched, for the next run. */
export interface KeptKeySet {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** Undefined where there is none, or a damaged one: it is fetched anew. */
export async function readKept(folder: string, address: string): Promise<KeptKeySet | undefined> {
  try {
    const data: unknown = JSON.parse(await promises.readFile(fileOf(folder, address), "utf8"));
    if (typeof data !== "object" || data === null || !("at" in data) || !("text" in data)) return undefined;
    const { at, text } = data;
    return typeof at === "number" && typeof text === "string" && readKeySet(text) !== undefined
      ? { at, text }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the file as a whole. */
export async function keepKeySet(folder: string, address: string, kept: KeptKeySet): Promise<void> {
  const path = fileOf(folder, address);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  makeFolder(folder);
  try {
    await promises.writeFile(temporary, JSON.stringify(kept));
    await promises.rename(temporary, path);
  } catch (error) {
    await promises.rm(temporary, { force: true });
    throw error;
  }
}

function fileOf(folder: string, address: string): string {
  return join(folder, `${createHash("sha256").update(address).digest("hex").slice(0, 16)}.json`);
}
