import { randomUUID } from "node:crypto";
import { open, readFile, readlink, rm, stat, utimes } from "node:fs/promises";
import { hostname, platform } from "node:os";
import { dirname } from "node:path";
import { kill, pid } from "node:process";
import { errorCode, UserError } from "./errors.ts";
import { makeFolder, privateFileError } from "./files.ts";
import { sleepRealTime } from "./timing.ts";

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
    throw privateFileError(path, "written", error);
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
    throw privateFileError(path, "written", error);
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

/** This process as another of the same machine can look for it: where its number counts, and the number. */
async function thisProcess(): Promise<string> {
  return `${await placeOfNumbers()}/${pid}`;
}

/**
 * Whether a process is surely no more. One of elsewhere never is: its number means another process here, as in a
 * container that shares a folder with its host.
 */
async function isGone(holder: string): Promise<boolean> {
  const at = holder.lastIndexOf("/");
  const number = Number(holder.slice(at + 1));
  if (!Number.isSafeInteger(number) || number <= 0 || holder.slice(0, at) !== (await placeOfNumbers())) return false;
  try {
    kill(number, 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

let place: Promise<string> | undefined;

/** Names of machines are no proof: there are many a `localhost`. Linux tells its start and its set of numbers apart. */
function placeOfNumbers(): Promise<string> {
  place ??= Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]).then((parts) => [hostname(), ...parts].map((part) => encodeURIComponent(part.trim())).join("/"));
  return place;
}
