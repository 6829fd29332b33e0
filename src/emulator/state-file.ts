import type { Context } from "../project/context.ts";
import { UserError, usageError } from "../util/errors.ts";
import { type FileLock, tryFileLock } from "../util/file-lock.ts";
import { parseJsonFile, readText, writeFileAtomically } from "../util/files.ts";
import { type EmulatorState, emptyState } from "./services/index.ts";
import { readSnapshot, snapshotOf } from "./snapshot.ts";

const MAX_BYTES = 256 * 1024 * 1024;
const SAVE_PAUSE_MS = 1000;
/** How long the lock of another machine counts without a heartbeat. */
const STALE_MS = 10_000;

/**
 * The state that a file keeps. It is written at most once a second, and when it is closed. Throws a usage error, and leaves the file
 * as it is, if it is another program's or damaged, or if another emulator uses it.
 */
export async function openStateFile(context: Pick<Context, "report">, path: string) {
  const lock = await lockFile(path);
  let state: EmulatorState;
  let saved: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isFailing = false;
  const save = (): void => {
    const text = serialized(state);
    if (text === saved) return;
    writeFileAtomically(path, text);
    saved = text;
  };
  const trySave = (): void => {
    timer = undefined;
    try {
      save();
      isFailing = false;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!isFailing) context.report({ type: "warning", message: error.message, hint: "it is tried again" });
      isFailing = true;
      changed();
    }
  };
  const changed = (): void => {
    timer ??= setTimeout(trySave, SAVE_PAUSE_MS);
  };
  try {
    const loaded = read(path);
    saved = loaded && serialized(loaded);
    state = loaded ?? emptyState();
    // Whether it can be written is known before anything is in it.
    save();
  } catch (error) {
    await lock.release();
    throw error;
  }
  return {
    state,
    isEmpty: saved === serialized(emptyState()),
    changed,
    async close(): Promise<void> {
      clearTimeout(timer);
      try {
        save();
      } finally {
        await lock.release();
      }
    },
  };
}

async function lockFile(path: string): Promise<FileLock> {
  const lock = await tryFileLock(`${path}.lock`, STALE_MS).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw usageError(error.message, "name a file in a folder that you can write to");
  });
  if (lock !== undefined) return lock;
  throw usageError(`another emulator uses ${path}`, "stop that one, or name another file with --state");
}

function read(path: string): EmulatorState | undefined {
  const text = readText(path, MAX_BYTES);
  if (text === undefined) return undefined;
  return readSnapshot(parseJsonFile(text, path, OTHER_FILE), path, OTHER_FILE);
}

const OTHER_FILE = "it was left as it is: name another file with --state, or delete it to start empty";

function serialized(state: EmulatorState): string {
  return `${JSON.stringify(snapshotOf(state))}\n`;
}
