import { randomUUID } from "node:crypto";
import { constants, copyFile, link, readFile, readlink, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, platform } from "node:os";
import { dirname } from "node:path";
import { kill, pid } from "node:process";
import { errorCode, UserError } from "./errors.ts";
import { makeFolder, privateFileError } from "./files.ts";
import { sleepRealTime } from "./timing.ts";

const POLL_MS = 25;
const HEARTBEAT_MS = 1_000;
/** A lock without a heartbeat for this long has no living owner, whatever machine it is on. */
const STALE_MS = 10_000;
const MAX_DENIALS = 40;
const NOTICE_AFTER_MS = 1_000;

interface LockOptions {
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, after a second of waiting. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Runs work while no other process does so under the same path. The lock is a file that is created exclusively, holds its
 * owner's process id and is touched every second. It is released at once when its owner on this machine has died, and after
 * ten seconds without a heartbeat when the owner is elsewhere.
 */
export async function withFileLock<T>(
  path: string,
  { waitMs, signal, onWait }: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const owner = `${randomUUID()} ${await processSpace()}/${pid}`;
  try {
    makeFolder(dirname(path), 0o700);
  } catch (error) {
    throw privateFileError(path, "written", error);
  }
  const startedAt = performance.now();
  let notify = onWait;
  for (let attempt = 1; !(await create(path, owner, attempt > MAX_DENIALS)); attempt++) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > waitMs) {
      throw new UserError(
        "credentials",
        `another zoho-hooks process has been holding ${path} for over ${Math.round(waitMs / 1000)} s`,
        "end that process; if there is none, delete the file",
      );
    }
    await removeIfStale(path, owner);
    if (waitedMs > NOTICE_AFTER_MS) {
      notify?.();
      notify = undefined;
    }
    await sleepRealTime(POLL_MS, signal);
    signal?.throwIfAborted();
  }
  const lock = keepAlive(path, owner);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** A lock that is held until it is released, or until its process ends. */
export interface FileLock {
  /** Another process has taken it, because this one was stopped for too long. */
  isTaken(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Takes a lock that may be held for days, without waiting; undefined if another process has it. Each user of the path
 * gives the same `staleMs`: how long the lock of another machine counts without a heartbeat.
 */
export async function tryFileLock(path: string, staleMs: number): Promise<FileLock | undefined> {
  const owner = `${randomUUID()} ${await processSpace()}/${pid}`;
  try {
    makeFolder(dirname(path), 0o700);
  } catch (error) {
    throw privateFileError(path, "written", error);
  }
  // The first may find the guard of a process that was killed, the next its lock.
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (await create(path, owner, true)) return keepAlive(path, owner);
    await removeIfStale(path, owner, staleMs);
  }
  return undefined;
}

/** Whether a process holds the lock. Changes nothing. */
export async function isFileLocked(path: string, staleMs: number): Promise<boolean> {
  return (await readOwner(path)) !== undefined && !(await isStale(path, staleMs));
}

/** Deletes the lock of a process that has ended. */
export async function removeStaleLock(path: string, staleMs: number): Promise<void> {
  await removeIfStale(path, randomUUID(), staleMs);
}

function keepAlive(path: string, owner: string): FileLock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    // A file that cannot be read just now shows nothing.
    isTaken: async () => ![owner, undefined].includes(await readOwner(path)),
    async release() {
      clearInterval(heartbeat);
      if ((await readOwner(path)) === owner) await rm(path, { force: true });
    },
  };
}

/**
 * False when the file exists. It appears with its owner in it: one whose process was killed before it wrote would count as
 * held. On Windows a denial may mean that the last owner's file is still being deleted.
 */
async function create(path: string, owner: string, isDenialFinal: boolean): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, owner, { flag: "wx", mode: 0o600 });
    await link(draft, path).catch((error: unknown) => {
      if (errorCode(error) === "EEXIST") throw error;
      // Not every file system has links.
      return copyFile(draft, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    const mayPass = platform() === "win32" && !isDenialFinal;
    if (mayPass && ["EPERM", "EACCES"].includes(errorCode(error) ?? "")) return false;
    throw privateFileError(path, "written", error);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Guarded by a lock of its own: two processes that both found it stale would remove each other's new lock. */
async function removeIfStale(path: string, owner: string, staleMs = STALE_MS): Promise<void> {
  if (!(await isStale(path, staleMs))) return;
  const guard = `${path}.stale`;
  if (!(await create(guard, owner, false))) {
    if (await isStale(guard)) await rm(guard, { force: true });
    return;
  }
  try {
    if (await isStale(path, staleMs)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function isStale(path: string, staleMs = STALE_MS): Promise<boolean> {
  try {
    // Modification times are real time, whatever clock the caller uses. One far in the future means that the clock was set
    // back and nobody has touched the file since.
    if (Math.abs(Date.now() - (await stat(path)).mtimeMs) > staleMs) return true;
    const [, ownerProcess] = ((await readOwner(path)) ?? "").split(" ");
    return ownerProcess !== undefined && (await isDead(ownerProcess));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return false;
    throw error;
  }
}

async function readOwner(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/** False for a process elsewhere, as in a container that shares a folder with its host: its id means another process here. */
async function isDead(ownerProcess: string): Promise<boolean> {
  const at = ownerProcess.lastIndexOf("/");
  const id = Number(ownerProcess.slice(at + 1));
  if (!Number.isSafeInteger(id) || id <= 0 || ownerProcess.slice(0, at) !== (await processSpace())) return false;
  try {
    kill(id, 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

let space: Promise<string> | undefined;

/** Names the space in which a process id is unique. Host names alone repeat, so on Linux with the boot and the process namespace. */
function processSpace(): Promise<string> {
  space ??= Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]).then((parts) => [hostname(), ...parts].map((part) => encodeURIComponent(part.trim())).join("/"));
  return space;
}
