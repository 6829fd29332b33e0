import type pg from "pg";
import { textOf } from "../rows.ts";
import { WAITING } from "../states.ts";
import type { Database } from "./connect.ts";

const POLL_MS = 1000;
/** One connection that has ended is no news. */
const FAILURES_TOLD = 3;

/** The targets of which something is due, each found by one or two look-ups of its index. */
const DUE_TARGETS = `
  WITH RECURSIVE targets AS (
    (SELECT target FROM forwards WHERE state = ${WAITING} ORDER BY target LIMIT 1)
    UNION ALL
    SELECT (SELECT target FROM forwards WHERE state = ${WAITING} AND target > targets.target ORDER BY target LIMIT 1)
    FROM targets WHERE target IS NOT NULL)
  SELECT target FROM targets WHERE target IS NOT NULL AND EXISTS (
    SELECT 1 FROM forwards WHERE state = ${WAITING} AND forwards.target = targets.target AND due_at <= (SELECT clock_ms()))`;

/**
 * Reports that something may be due. A notification reports at once what another process has recorded; a query every second finds
 * the deliveries of a crashed process, and those that were notified while the connection was down.
 */
export function createNotices(database: Database) {
  const listeners = new Map<(target: string) => void, ((error: unknown) => void) | undefined>();
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let session: pg.Client | undefined;
  let polling: Promise<void> | undefined;

  async function poll(): Promise<void> {
    try {
      session ??= await listen();
      for (const row of await database.query("work", DUE_TARGETS)) tell(textOf(row, "target"));
      failures = 0;
    } catch (error) {
      // It is asked again. Nobody claims meanwhile who has nothing in hand, so it is said here.
      if (++failures === FAILURES_TOLD) for (const onAway of listeners.values()) onAway?.(error);
    }
  }

  async function listen(): Promise<pg.Client> {
    const client = await database.session();
    client.on("notification", ({ payload = "" }) => {
      if (payload === "") start();
      else tell(payload);
    });
    const lose = (): void => {
      if (session === client) session = undefined;
    };
    client.once("end", lose);
    client.once("error", lose);
    await client.query(`LISTEN "${database.schema}"`);
    return client;
  }

  function tell(target: string): void {
    for (const listener of listeners.keys()) listener(target);
  }

  function start(): void {
    polling ??= poll().finally(() => {
      polling = undefined;
    });
  }

  return {
    onWork(listener: (target: string) => void, onAway?: (error: unknown) => void): () => void {
      listeners.set(listener, onAway);
      timer ??= setInterval(start, POLL_MS).unref();
      start();
      return () => void listeners.delete(listener);
    },
    async close(): Promise<void> {
      clearInterval(timer);
      listeners.clear();
      await polling;
      await session?.end().catch(() => {});
    },
  };
}
