import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { peekLockOwner } from "./lock.ts";
import type { Holder, Log } from "./log.ts";
import type { OpenLogOptions } from "./sqlite-log.ts";

/** What the setting `store` names, in a project. */
interface LogPlace {
  readonly root: string;
  readonly store: string;
}

/**
 * Opens the log at a place, or makes it. Here alone it is decided what keeps it: a SQLite file. Another database would be one more
 * file behind `log.ts`, loaded where a place names it.
 */
export async function openLogAt(
  place: LogPlace,
  options: Pick<OpenLogOptions, "now" | "create" | "keepMs" | "maxBytes">,
): Promise<Log> {
  const { openLog } = await import("./sqlite-log.ts");
  return openLog({ ...options, path: pathOf(place) });
}

/** Who receives into the log at a place, without opening it; undefined where nobody does, or there is none. */
export async function lockOwnerAt(place: LogPlace): Promise<Holder | undefined> {
  const path = pathOf(place);
  if (!existsSync(path)) return undefined;
  return peekLockOwner(path);
}

function pathOf({ root, store }: LogPlace): string {
  return resolve(root, store);
}
