import type { NativeDatabase } from "./engine.ts";

const POLL_MS = 1000;

/**
 * Calls back when another connection has changed the log, until it is ended by what it returns. SQLite counts such changes in memory that all connections share, so that
 * asking costs microseconds: https://www.sqlite.org/pragma.html#pragma_data_version
 */
export function watchChanges(database: NativeDatabase, onChange: () => void): () => void {
  const version = database.prepare("PRAGMA data_version");
  let last: unknown;
  const poll = (): void => {
    try {
      const now = version.get()?.data_version;
      // The first one says nothing.
      if (last !== undefined && now !== last) onChange();
      last = now;
    } catch {
      // Locked or gone: whoever reads or writes next says so, and the change is still seen at the next look.
    }
  };
  poll();
  const timer = setInterval(poll, POLL_MS).unref();
  return () => clearInterval(timer);
}
