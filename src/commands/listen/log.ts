import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { pruneLimits, refuseForeignLog } from "../../config/event-log.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { loadEngine } from "../../store/engine.ts";
import { isLocked } from "../../store/lock.ts";
import type { Log, LogLock } from "../../store/log.ts";
import { openLogAt } from "../../store/open-log.ts";
import { errorText, UserError, usageError } from "../../util/errors.ts";

/** The log of a run. Undefined when none is to be kept and nothing has to wait in one. */
export interface RunLog {
  readonly log: Log;
  readonly hold: Extract<LogLock, { held: true }>;
  /** The size that the log is pruned to; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** After the log is closed. */
  dispose(): void;
}

/**
 * Opens the event log, and makes it when it is not there. Deliveries that wait for a target wait in it; so with
 * `--no-store` and a target it is a file of this run only.
 */
export async function openRunLog(context: Context, config: Config, needed: boolean): Promise<RunLog | undefined> {
  const { root } = config;
  const { store } = config.settings;
  if (store === false && !needed) return undefined;
  refuseForeignLog(context, config);
  const limits = pruneLimits(context, config);
  const folder = store === false ? await makeRunFolder(context.now()) : undefined;
  const place = { root, store: folder?.path ?? String(store) };
  const dispose = (): void => folder?.remove();
  let log: Log;
  try {
    log = await openLogAt(place, { now: context.now, ...limits });
  } catch (error) {
    dispose();
    // The default log is a convenience: a machine without SQLite can still listen, and is told what it misses.
    if (error instanceof UserError && error.code === "log-unavailable" && !needed) {
      context.report({ type: "warning", message: `nothing is saved: ${error.message} (${error.hint})` });
      return undefined;
    }
    throw error;
  }
  const leave = async (): Promise<void> => {
    await log.close();
    dispose();
  };
  const hold = await log.lock({ pid: context.pid, url: undefined, since: context.now() }).catch(async (error) => {
    await leave();
    throw error;
  });
  if (hold.held) return { log, hold, maxBytes: limits.maxBytes, dispose };
  await leave();
  const holder =
    hold.by === undefined
      ? "another process"
      : `process ${hold.by.pid}${hold.by.url === undefined ? "" : ` on ${hold.by.url}`}`;
  throw usageError(
    `another zoho-hooks listen is using ${log.path}: ${holder}`,
    "stop that one, or give this one its own log: --store other.db, or --no-store",
  );
}

const PREFIX = "zoho-hooks-run-";
const LOG = "events.db";
const LOCK = `${LOG}-lock`;
/** Longer than a run takes from its folder to its hold of the log in it. */
const STARTING_MS = 60_000;

/**
 * A folder for the log of one run, `path` in it. What runs that were killed have left is taken away first: such a log
 * holds deliveries that nobody asked to be kept.
 */
async function makeRunFolder(now: Date): Promise<{ readonly path: string; remove(): void }> {
  let folder: string;
  try {
    await sweep(now);
    folder = mkdtempSync(join(tmpdir(), PREFIX));
  } catch (error) {
    throw usageError(
      `the deliveries of this run cannot be stored in ${tmpdir()}: ${errorText(error)}`,
      "set TMPDIR to a folder that you can write to, or leave --no-store out",
    );
  }
  return { path: join(folder, LOG), remove: () => removeFolder(folder) };
}

async function sweep(now: Date): Promise<void> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    try {
      if (isOurs(folder, now) && !isLocked(await loadEngine(), join(folder, LOG))) removeFolder(folder);
    } catch {
      // Another run sweeps at the same time, or there is no SQLite. This run can do without.
    }
  }
}

/**
 * Made by this user, and holding nothing but a log. The system's temporary folder is open to all, and what cleans it may
 * take the lock of a run that goes on: only where the lock is there can it be seen that nobody holds it.
 */
function isOurs(folder: string, now: Date): boolean {
  const found = lstatSync(folder);
  const { uid } = userInfo();
  if (!found.isDirectory() || (uid !== -1 && found.uid !== uid)) return false;
  if (now.getTime() - found.mtimeMs < STARTING_MS) return false;
  const names = readdirSync(folder);
  return names.every((name) => name.startsWith(LOG)) && (names.length === 0 || names.includes(LOCK));
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
