import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DamagedValue } from "../damage.ts";
import { numberOf, textOf } from "../rows.ts";
import { WAITING } from "../states.ts";
import { rejectForeign, rejectLinkedIgnore } from "./database.ts";
import { loadEngine, type NativeDatabase } from "./engine.ts";
import { logError } from "./fault.ts";

/** Facts about a log that are read without changing it. */
export interface LogHealth {
  /** Size of the log and its journal. */
  readonly bytes: number;
  readonly deliveries: number;
  readonly lastAt: Date | undefined;
  /** How many deliveries wait, by target. */
  readonly waiting: readonly { readonly target: string; readonly count: number }[];
  /** False if the log was too large to look at each page of it. */
  readonly isChecked: boolean;
}

/** SQLite checks about 300 MB a second, and nothing else runs meanwhile. */
const MAX_CHECKED_BYTES = 200_000_000;
const BUSY_MS = 500;

/** Reads an existing log. Rejects with a UserError when it is damaged, foreign, or cannot be read and written. */
export async function readHealth(link: string): Promise<LogHealth> {
  const engine = await loadEngine();
  let database: NativeDatabase | undefined;
  try {
    const path = realpathSync(link);
    for (const place of [dirname(path), path]) accessSync(place, constants.R_OK | constants.W_OK);
    rejectLinkedIgnore(dirname(path));
    await rejectForeign({ engine, path, create: false }, BUSY_MS);
    database = engine.open(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    const bytes = logBytes(path);
    const isChecked = bytes <= MAX_CHECKED_BYTES;
    const result = isChecked ? database.prepare("PRAGMA quick_check(1)").get()?.quick_check : "ok";
    if (result !== "ok") throw new DamagedValue(String(result));
    const row = database.prepare("SELECT count(*) AS count, max(received_at) AS last FROM deliveries").get();
    const waiting = database
      .prepare(`SELECT target, count(*) AS count FROM forwards WHERE state = ${WAITING} GROUP BY target`)
      .all();
    return {
      bytes,
      deliveries: row === undefined ? 0 : numberOf(row, "count"),
      lastAt: row === undefined || row.last === null ? undefined : new Date(numberOf(row, "last")),
      waiting: waiting.map((each) => ({ target: textOf(each, "target"), count: numberOf(each, "count") })),
      isChecked,
    };
  } catch (error) {
    throw logError(error, link);
  } finally {
    database?.close();
  }
}

/** The size of a log and its journal. */
export function logBytes(path: string): number {
  return ["", "-wal"].reduce((sum, each) => sum + (statSync(path + each, { throwIfNoEntry: false })?.size ?? 0), 0);
}
