import { closeSync, fdatasync, fstatSync, openSync, readSync } from "node:fs";
import { promisify } from "node:util";
import type { UserError } from "../core/errors.ts";
import type { NativeDatabase } from "./engine.ts";
import { logFault } from "./fault.ts";
import { goneFile } from "./file-guard.ts";

/** Brings what was committed to the disk, without holding up anything else. */
export interface WalSync {
  sync(): Promise<void>;
  /**
   * Throws while there may be a gap in the journal that a failed `sync` has left: the system tells of it once and takes what
   * was not written for written, so that the next one succeeds. All of it goes into the log itself then. Of a journal that was
   * damaged from outside nothing can be made good.
   */
  makeGood(): void;
  close(): Promise<void>;
}

/**
 * SQLite would sync its write-ahead log within COMMIT, and the whole process would wait for the disk. With `synchronous =
 * NORMAL` it leaves that out (https://www.sqlite.org/pragma.html#pragma_synchronous), and it is done here instead, on a
 * thread of Node's: no sender is told of a commit before. SQLite keeps its locks on other files (https://www.sqlite.org/wal.html),
 * so closing this one drops none.
 */
export function openWalSync(database: NativeDatabase, path: string): WalSync {
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() ?? {};
  if (mode !== "wal") return syncedBySqlite;
  database.exec("PRAGMA synchronous = NORMAL");
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  let file: number | undefined;
  let hasGap = false;
  /** SQLite itself does not notice, writes on behind it, and after some time over it: from then on it would look well. */
  let damage: UserError | undefined;
  return {
    async sync() {
      file ??= openSync(`${path}-wal`, "r+");
      // SQLite would go on writing into a file that nobody finds any more, or behind a gap.
      if (fstatSync(file).nlink === 0) throw goneFile(`${path}-wal, the newest part of the event log, was deleted`);
      if (!isJournal(file)) {
        damage = logFault("damaged", path, `${path}-wal was overwritten while it was in use`);
        throw damage;
      }
      try {
        await toDisk(file);
      } catch (error) {
        hasGap = true;
        throw error;
      }
    },
    makeGood() {
      if (damage !== undefined) throw damage;
      if (!hasGap) return;
      if (checkpoint.get()?.busy !== 0) throw logFault("io", path, "a part of it is still not on the disk");
      hasGap = false;
    },
    // Only when no sync is under way: its number may be another file's by then.
    async close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

// A FileHandle has its own way to do it, which takes this thread three times as long.
const toDisk = promisify(fdatasync);

/**
 * What a write-ahead log begins with, but for its last bit: https://www.sqlite.org/fileformat.html#the_write_ahead_log
 * Empty it is when another process has just written all of it into the log. The read tells, for that may be between two calls.
 */
function isJournal(fd: number): boolean {
  const bytes = readSync(fd, START, 0, 4, 0);
  return bytes === 0 || (bytes === 4 && START.readUInt32BE() >>> 1 === 0x377f0682 >>> 1);
}

const START = Buffer.alloc(4);

/** On a file system that allows no write-ahead log SQLite goes on syncing by itself. */
const syncedBySqlite: WalSync = { sync: async () => {}, makeGood: () => {}, close: async () => {} };
