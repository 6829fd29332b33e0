import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { LockOwner, Log } from "./log.ts";
import { peekLockOwner } from "./sqlite/lock.ts";
import type { OpenLogOptions } from "./sqlite/log.ts";

/** The setting `store` of a project. */
interface LogPlace {
  readonly root: string;
  readonly store: string;
}

/** The variable with which shared secrets are encrypted. In the environment alone: a project's `.env` may be a stranger's. */
export const STORE_KEY = "ZOHO_HOOKS_STORE_KEY";

/** Opens or creates the log of a project. SQLite is loaded only here. */
export async function openLogAt(
  { root, store }: LogPlace,
  options: Pick<OpenLogOptions, "now" | "create" | "keepMs" | "maxBytes">,
): Promise<Log> {
  const { openLog } = await import("./sqlite/log.ts");
  return openLog({ ...options, path: resolve(root, store) });
}

/** The receiver that has locked the log of a project; undefined when there is none, or no log. */
export async function lockOwnerAt({ root, store }: LogPlace): Promise<LockOwner | undefined> {
  const path = resolve(root, store);
  return existsSync(path) ? peekLockOwner(path) : undefined;
}

/** Whether a setting `store` is the address of a PostgreSQL database, not a file. */
export function isDatabaseAddress(store: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(store);
}
