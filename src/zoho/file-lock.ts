import { randomUUID } from "node:crypto";
import { open, readFile, rm, stat, utimes } from "node:fs/promises";
import { platform } from "node:os";
import { dirname } from "node:path";
import { errorCode, UserError } from "../core/errors.ts";
import { makeFolder } from "../files/make-folder.ts";
import { sleepRealTime } from "./backoff.ts";
import { isGone, thisProcess } from "./lock-holder.ts";
import { fileError } from "./private-file.ts";

const POLL_MS = 25;
const HEARTBEAT_MS = 1_000;
/** A lock without a heartbeat for so long belongs to a process that is gone, wherever it was. */
const STALE_MS = 10_000;
const PASSING_DENIALS = 40;
/** What waits longer is told why. */
const PATIENCE_MS = 1_000;

interface Waiting {
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another has held the lock for a moment. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Runs work while no other process does under the same path. The lock is a file that only one can create. Its holder is
 * named in it and touches it every second: it is taken over at once from a process of this machine that is gone, from
 * any other when it is not touched any more.
 */
export async function withFileLock<T>(
  path: string,
  { waitMs, signal, onWait }: Waiting,
  work: () => Promise<T>,
): Promise<T> {
  const owner = `${randomUUID()} ${await thisProcess()}`;
  try {
    makeFolder(dirname(path), 0o700);
  } catch (error) {
    throw fileError(path, "written", error);
  }
  const startedAt = performance.now();
  let toTell = onWait;
  for (let tries = 1; !(await create(path, owner, tries > PASSING_DENIALS)); tries++) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > waitMs) {
      throw new UserError(
        "credentials",
        `another zoho-hooks process has been holding ${path} for over ${Math.round(waitMs / 1000)} s`,
        "end that process; if there is none, delete the file",
      );
    }
    await removeIfStale(path, owner);
    if (waitedMs > PATIENCE_MS) {
      toTell?.();
      toTell = undefined;
    }
    await sleepRealTime(POLL_MS, signal);
    signal?.throwIfAborted();
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await ownerOf(path)) === owner) await rm(path, { force: true });
  }
}

/** False when another holds it. A denial passes on Windows, where the last holder's file is still being deleted. */
async function create(path: string, owner: string, refuseDenial: boolean): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(owner);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    const mayPass = platform() === "win32" && !refuseDenial;
    if (mayPass && ["EPERM", "EACCES"].includes(errorCode(error) ?? "")) return false;
    throw fileError(path, "written", error);
  }
}

/** Only one process may judge a lock stale and remove it: two would remove each other's new one. */
async function removeIfStale(path: string, owner: string): Promise<void> {
  if (!(await isStale(path))) return;
  const judge = `${path}.stale`;
  if (!(await create(judge, owner, false))) {
    if (await isStale(judge)) await rm(judge, { force: true });
    return;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
  } finally {
    await rm(judge, { force: true });
  }
}

/** The file system's time is the real one, whatever clock the caller lives by. */
async function isStale(path: string): Promise<boolean> {
  try {
    // A heartbeat far in the future is none either: the clock was set back since, and its holder would have touched it.
    if (Math.abs(Date.now() - (await stat(path)).mtimeMs) > STALE_MS) return true;
    const [, holder] = ((await ownerOf(path)) ?? "").split(" ");
    return holder !== undefined && (await isGone(holder));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
