import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { isRecord } from "../util/json.ts";

interface Entry {
  readonly value: string;
  /** In milliseconds since the epoch. */
  readonly endsAt: number;
}

/** Longer than any number of processes needs to write in turn. */
const LOCK_WAIT_MS = 20_000;

export async function readEntry(path: string, key: string): Promise<string | undefined> {
  return (await readEntries(path)).get(key)?.value;
}

/** Resolves to whether it wrote: false where `onlyNew` is set and the key exists. */
export function writeEntry(
  path: string,
  key: string,
  { value, ttl, onlyNew = false }: { readonly value: string; readonly ttl: number; readonly onlyNew?: boolean },
): Promise<boolean> {
  return withFileLock(`${path}.lock`, { waitMs: LOCK_WAIT_MS }, async () => {
    const entries = await readEntries(path);
    if (onlyNew && entries.has(key)) return false;
    entries.set(key, { value, endsAt: Date.now() + ttl * 1000 });
    await writePrivateJson(path, Object.fromEntries(entries));
    return true;
  });
}

/** Those that have not expired. */
async function readEntries(path: string): Promise<Map<string, Entry>> {
  const json = await readPrivateJson(path);
  const found = isRecord(json) ? Object.entries(json) : [];
  return new Map(found.filter((pair): pair is [string, Entry] => isEntry(pair[1]) && pair[1].endsAt > Date.now()));
}

function isEntry(value: unknown): value is Entry {
  return isRecord(value) && typeof value.value === "string" && typeof value.endsAt === "number";
}
