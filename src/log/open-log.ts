import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { LockOwner, Log } from "./log.ts";
import type { OpenPostgresOptions } from "./postgres/log.ts";
import { peekLockOwner } from "./sqlite/lock.ts";
import type { OpenLogOptions } from "./sqlite/log.ts";

/** The setting `store`. */
export interface LogPlace {
  readonly root: string;
  readonly store: string;
}

/** Opens or creates the log of a project. Its engine is loaded only here. */
export async function openLogAt(
  { root, store }: LogPlace,
  options: Pick<OpenLogOptions, "now" | "create" | "keepMs" | "maxBytes"> & Pick<OpenPostgresOptions, "storeKey">,
): Promise<Log> {
  if (isDatabaseAddress(store)) {
    const { openPostgresLog } = await import("./postgres/log.ts");
    return openPostgresLog({ ...options, address: store });
  }
  const { openLog } = await import("./sqlite/log.ts");
  return openLog({ ...options, path: resolve(root, store) });
}

/** A receiver of the log of a project that runs, on a shared log one of this machine first; undefined when there is none, or no log. */
export async function lockOwnerAt({ root, store }: LogPlace): Promise<LockOwner | undefined> {
  if (isDatabaseAddress(store)) {
    const { readPostgresOwner } = await import("./postgres/log.ts");
    return readPostgresOwner({ address: store }, hostname());
  }
  const path = resolve(root, store);
  return existsSync(path) ? peekLockOwner(path) : undefined;
}

/** Whether a setting `store` is the address of a PostgreSQL database, not a file. */
export function isDatabaseAddress(store: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(store);
}

/** Reads the state of a log in PostgreSQL, for `store status`. */
export async function readStoreStatus({ store: address }: LogPlace, now: () => Date) {
  const { openPostgresLog } = await import("./postgres/log.ts");
  const log = await openPostgresLog({ address, now, create: false });
  try {
    const { readServer } = await import("./postgres/status.ts");
    return {
      ...(await readServer({ address })),
      receivers: (await log.shared?.receivers()) ?? [],
      waiting: await log.queue.waiting(),
    };
  } finally {
    await log.close();
  }
}

/**
 * Rejects where `listen` could not use a log in PostgreSQL: for its server, or for a key that does not fit what receivers
 * share. Changes nothing. Resolves to whether they share what cannot be read without a key.
 */
export async function tryStore({ store: address }: LogPlace, now: () => Date, storeKey = ""): Promise<boolean> {
  const { requireSuitableServer } = await import("./postgres/status.ts");
  await requireSuitableServer({ address });
  const { openPostgresLog } = await import("./postgres/log.ts");
  const log = await openPostgresLog({ address, now, create: false, storeKey });
  try {
    const secrets = log.shared?.secrets;
    if (secrets === undefined || !(await secrets.isUsed())) return false;
    if (storeKey !== "") await secrets.all();
    return storeKey === "";
  } finally {
    await log.close();
  }
}

/** Creates the log in PostgreSQL where there is none, and upgrades one of an earlier format. */
export async function createStore({ store }: LogPlace) {
  const { createLog } = await import("./postgres/status.ts");
  return createLog({ address: store });
}
