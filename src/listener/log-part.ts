import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { Log, Role } from "../log/log.ts";
import { openLogAt } from "../log/open-log.ts";
import { keptBody, ROW_BYTES } from "../log/retention.ts";
import { loadEngine } from "../log/sqlite/engine.ts";
import { isLocked } from "../log/sqlite/lock.ts";
import { logPlace } from "../project/load.ts";
import { storeKeyOf } from "../project/secret-variables.ts";
import { trustOwn } from "../project/trust.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import { errorText, hintOf, UserError, usageError } from "../util/errors.ts";
import type { ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";
import type { Plan } from "./plan.ts";

/** The event log, locked for this run. */
export interface LogPart extends Part {
  readonly log: Log;
  /** Number of the newest delivery when the run began; undefined where other receivers write to the log as well. */
  readonly startedAfter: number | undefined;
  /** The size that it is pruned to; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** Why deliveries cannot be recorded now, without names of files and servers; undefined if they can. Warns of each change. */
  whyNotReady(): Promise<string | undefined>;
  /** Counts as failed what receivers that have died left without an answer. */
  endUnanswered(): Promise<unknown>;
  /** Writes the receiver's URL to the log, the public one where it may, for other commands to find it. */
  setUrl(url: string, publicUrl: string | undefined): Promise<void>;
}

/**
 * Opens the event log, and creates it if there is none. With `--no-store` and a target it is a temporary file, since
 * deliveries wait for the target in it; undefined if no log is wanted, or none is possible and nothing needs it.
 */
export async function startLog(
  context: ListenContext,
  plan: Pick<Plan, "config" | "limits" | "routes" | "role" | "isShared">,
): Promise<LogPart | undefined> {
  const { config, limits, routes, role, isShared } = plan;
  const { root } = config;
  const { store } = config.settings;
  const isNeeded = !routes.empty;
  if (store === false && !isNeeded) return undefined;
  const folder = store === false ? await makeTemporaryFolder(context.now()) : undefined;
  const place = folder === undefined ? logPlace(config) : { root, store: join(folder, LOG) };
  const removeFolder = (): void => (folder === undefined ? undefined : removeAll(folder));
  let log: Log;
  if (folder === undefined) await trustOwn(context, resolve(root, place.store));
  try {
    log = await openLogAt(place, { now: context.now, storeKey: storeKeyOf(config), ...limits });
  } catch (error) {
    removeFolder();
    // Node before 22.13 has no SQLite: without a target to queue for, listen still works.
    if (error instanceof UserError && error.code === "log-unavailable" && !isNeeded && !isShared) {
      context.report({ type: "warning", message: `nothing is saved: ${error.message} (${error.hint})` });
      return undefined;
    }
    throw error;
  }
  const lock = await lockLog(context, log, role).catch(async (error: unknown) => {
    await log.close();
    removeFolder();
    throw error;
  });
  const warn = (failure: string) => (error: unknown) =>
    context.report({ type: "warning", message: `${failure}: ${errorText(error)}` });
  // A full disk, or a log that is gone, must not cost the summary: the lock ends with the process anyway.
  const stop = async (): Promise<void> => {
    await lock.release().catch(warn("the end of this run could not be written to the log"));
    await log.close().catch(warn("the log could not be closed"));
    try {
      removeFolder();
    } catch (error) {
      warn("the temporary log of this run could not be deleted")(error);
    }
  };
  let startedAfter: number | undefined;
  try {
    if (log.shared === undefined) startedAfter = (await log.ends()).newest;
    await lock.endUnanswered();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: "the event log",
    log,
    startedAfter,
    maxBytes: limits.maxBytes,
    whyNotReady: watchReadiness(context, log),
    notes: store === false ? ["The event log is deleted when this run ends."] : [],
    endUnanswered: () => lock.endUnanswered(),
    setUrl: (url, publicUrl) => lock.setUrl(publicUrl ?? url),
    onMoved(url) {
      lock.setUrl(url).catch(warn("the new public URL could not be written to the log"));
    },
    stop,
  };
}

function watchReadiness(context: ListenContext, log: Log): () => Promise<string | undefined> {
  let reported: string | undefined;
  return async () => {
    try {
      await log.checkReady();
      if (reported !== undefined)
        context.report({ type: "notice", message: "ready again: deliveries can be recorded" });
      reported = undefined;
      return undefined;
    } catch (error) {
      const code = error instanceof UserError ? error.code : undefined;
      const reason = REASONS[code ?? ""] ?? "deliveries cannot be recorded";
      if (reported !== reason) {
        context.report({ type: "warning", message: `/readyz answers 503: ${errorText(error)}`, hint: hintOf(error) });
      }
      reported = reason;
      return reason;
    }
  };
}

/** Reasons by error code. The message of the error names the place of the log, which strangers must not see. */
const REASONS: Readonly<Record<string, string>> = {
  "log-unreachable": "the event log cannot be reached",
  "log-locked": "the event log does not answer in time",
  "log-full": "there is no room left for the event log",
  "log-gone": "the event log was deleted or replaced",
  "log-damaged": "the event log is damaged",
  "log-read-only": "the event log cannot be written",
  "log-io": "the disk of the event log failed",
};

async function lockLog(context: ListenContext, log: Log, role: Role) {
  const lock = await log.lock({ pid: context.pid, host: hostname(), url: undefined, role, since: context.now() });
  if (lock.held) return lock;
  const { by } = lock;
  const owner =
    by === undefined ? "another process" : `process ${by.pid}${by.url === undefined ? "" : ` on ${by.url}`}`;
  throw usageError(
    `another zoho-hooks listen is using ${log.path}: ${owner}`,
    "stop that one, or give this one its own log: --store other.db, or --no-store",
  );
}

const PREFIX = "zoho-hooks-run-";
const LOG = "events.db";
const LOCK = `${LOG}-lock`;
/** A folder without a lock that is younger may belong to a run that is just starting. */
const STARTING_MS = 60_000;

/** Also removes the folders of runs that were killed: their logs hold deliveries that the user did not want to keep. */
async function makeTemporaryFolder(now: Date): Promise<string> {
  try {
    await removeLeftOvers(now);
    return mkdtempSync(join(tmpdir(), PREFIX));
  } catch (error) {
    throw usageError(
      `the deliveries of this run cannot be stored in ${tmpdir()}: ${errorText(error)}`,
      "set TMPDIR to a folder that you can write to, or leave --no-store out",
    );
  }
}

async function removeLeftOvers(now: Date): Promise<void> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    try {
      if (isOurs(folder, now) && !isLocked(await loadEngine(), join(folder, LOG))) removeAll(folder);
    } catch {
      // Another run removes it at the same time, or there is no SQLite. Nothing depends on it.
    }
  }
}

/**
 * Made by this user, and nothing but a log in it. A cleaner of the temporary folder may have deleted the lock of a live
 * run, so a log without its lock file counts as in use.
 */
function isOurs(folder: string, now: Date): boolean {
  const found = lstatSync(folder);
  const { uid } = userInfo();
  if (!found.isDirectory() || (uid !== -1 && found.uid !== uid)) return false;
  if (now.getTime() - found.mtimeMs < STARTING_MS) return false;
  const names = readdirSync(folder);
  return names.every((name) => name.startsWith(LOG)) && (names.length === 0 || names.includes(LOCK));
}

function removeAll(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

type PrunedLog = Pick<LogPart, "log" | "maxBytes" | "endUnanswered">;

/** Prunes the log, unless another process on it does so now. */
async function pruneOnDuty({ log, endUnanswered }: PrunedLog, signal: AbortSignal): Promise<void> {
  const duty = await log.takeDuty("prune");
  if (duty === undefined) return;
  try {
    // What receivers that have died meanwhile left unanswered.
    if (log.shared !== undefined) await endUnanswered();
    await log.prune(undefined, AbortSignal.any([signal, duty.signal]));
  } finally {
    await duty.release();
  }
}

/** How many bytes of the body of an event the log has. */
export function keptBytes({ body, receipt, refusal }: ReceivedEvent): number {
  return keptBody({ accepted: refusal === undefined, delivery: { body }, receipt }).length;
}

const PRUNE_INTERVAL_MS = 10 * 60_000;
/** Also prunes after this share of the limit has come in, so that the log never grows far past it. */
const GROWTH_SHARE = 0.1;

/** Keeps the log within its limits of age and size. */
export function startPruning(context: ListenContext, pruned: PrunedLog): Part {
  const { maxBytes = Number.POSITIVE_INFINITY } = pruned;
  let grownBytes = 0;
  const stopped = new AbortController();
  let underWay: Promise<void> | undefined;

  const prune = (): void => {
    if (underWay !== undefined || stopped.signal.aborted) return;
    grownBytes = 0;
    underWay = pruneOnDuty(pruned, stopped.signal)
      .catch((error: unknown) =>
        context.report({ type: "warning", message: `the log could not be pruned: ${errorText(error)}` }),
      )
      .finally(() => {
        underWay = undefined;
      });
  };
  const timer = setInterval(prune, PRUNE_INTERVAL_MS);
  prune();
  return {
    name: "pruning the log",
    onEvent(event) {
      grownBytes += keptBytes(event) + ROW_BYTES;
      if (grownBytes > maxBytes * GROWTH_SHARE) prune();
    },
    async stop() {
      stopped.abort();
      clearInterval(timer);
      await underWay;
    },
  };
}
