import type { FollowedAttempt, Log, LogEnds, LogFilter, LogListOptions, LogRow } from "../log/log.ts";
import { sleepRealTime } from "../util/timing.ts";

// The rules of following a log:
// - Deliveries come before their attempts: an attempt of a delivery that was not given yet waits for it, and those after it too.
// - A row is read after the attempts that are given with it, so it has their results.
// - The filter is one of deliveries. Attempts are given whatever their delivery: they may be what makes it match.
// - What is there is read at once, in steps; then the log is asked again every 200 ms of real time.
// - A caller that is slow to take a change delays the next reading, so no more than one change is in memory.
// - A log that ends before the position was replaced by one that counts from 1 again, or has lost its newest deliveries.
//   Following goes on at its end, and the caller reads anew what it shows.
// - Any error of the log ends the generator. The caller may go on from the last position.

/** Soon enough to look immediate to a person, and long enough that most deliveries arrive with their final state. */
const POLL_MS = 200;
const MAX_ROWS = 500;

/** What following reads of a log. */
export type GrowingLog = Pick<Log, "ends" | "rows" | "attemptsAfter">;

/** What happened to a log since the change before. All lists may be empty: others were added, or some were removed. */
export interface LogChange {
  /** New deliveries that match the filter, oldest first, at most 500. */
  readonly rows: readonly LogRow[];
  /** New attempts of deliveries up to `position.newest`, oldest first, a few hundred at most. */
  readonly attempts: readonly FollowedAttempt[];
  /** Up to where the log is read. `oldest` is 1 more than `newest` where all deliveries were removed. */
  readonly position: LogEnds;
  /** The log is not the one that was read before, or has lost its newest deliveries. What it has is not in `rows`. */
  readonly isReplaced: boolean;
}

interface ChangesOptions extends Pick<LogListOptions, "onDamaged"> {
  /** `await log.ends()` for what comes from now on; or a position of an earlier change. */
  readonly from: LogEnds;
  readonly filter?: LogFilter | undefined;
  /** Ends the generator. */
  readonly signal: AbortSignal;
  /** Ends it as well, once all that is there has been read after this time (`performance.now()`). */
  readonly until?: number;
}

/** Yields what happens to a log, until the signal aborts. Rejects with the errors of `Log`, so with damage unless `onDamaged` is given. */
export async function* changes(
  log: GrowingLog,
  { from, until = Number.POSITIVE_INFINITY, ...options }: ChangesOptions,
): AsyncGenerator<LogChange, void, undefined> {
  const { signal } = options;
  let position = from;
  while (!signal.aborted) {
    const ends = await log.ends();
    const change = await readChange(log, position, ends, options);
    // The rows of an aborted reading are not complete.
    if (signal.aborted) return;
    const hasChanged = !isSame(change.position, position);
    position = change.position;
    if (hasChanged) yield change;
    if (position.newest < ends.newest || position.lastAttempt < ends.lastAttempt) continue;
    const leftMs = until - performance.now();
    if (leftMs <= 0) return;
    await sleepRealTime(Math.min(POLL_MS, leftMs), signal);
  }
}

async function readChange(
  log: GrowingLog,
  position: LogEnds,
  ends: LogEnds,
  { filter, signal, onDamaged }: Omit<ChangesOptions, "from" | "until">,
): Promise<LogChange> {
  if (ends.newest > 0 && ends.newest < position.newest)
    return { rows: [], attempts: [], position: ends, isReplaced: true };
  const lastAttempt = knownAttempt(position, ends);
  const found = ends.lastAttempt > lastAttempt ? await log.attemptsAfter(lastAttempt) : [];
  const rows: LogRow[] = [];
  if (ends.newest > position.newest) {
    const after = Math.max(position.newest, filter?.after ?? 0);
    const list: LogListOptions = { order: "oldest", limit: MAX_ROWS, signal, ...(onDamaged && { onDamaged }) };
    for await (const row of log.rows({ ...filter, after }, list)) rows.push(row);
  }
  const last = rows.at(-1)?.n ?? 0;
  const newest = rows.length === MAX_ROWS ? last : Math.max(position.newest, ends.newest, last);
  const waiting = found.findIndex(({ n }) => n > newest);
  const attempts = waiting === -1 ? found : found.slice(0, waiting);
  return {
    rows,
    attempts,
    position: {
      oldest: ends.newest === 0 && newest > 0 ? newest + 1 : ends.oldest,
      newest,
      lastAttempt: attempts.at(-1)?.id ?? lastAttempt,
    },
    isReplaced: false,
  };
}

/** The id of the last attempt that is not new. In SQLite the ids of the last attempts are given again after those were removed. */
function knownAttempt(position: LogEnds, ends: LogEnds): number {
  if (ends.lastAttempt >= position.lastAttempt) return position.lastAttempt;
  const isAllRemoved = ends.newest === 0 || ends.oldest > position.newest;
  return isAllRemoved ? 0 : ends.lastAttempt;
}

function isSame(a: LogEnds, b: LogEnds): boolean {
  return a.oldest === b.oldest && a.newest === b.newest && a.lastAttempt === b.lastAttempt;
}
