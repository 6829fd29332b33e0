import type { RecordChange } from "../channels/missed.ts";
import { idsAt, readPayload } from "../delivery/payload.ts";
import { DamageReport } from "../history/entry.ts";
import type { Log, LogEntry } from "../log/log.ts";
import type { Context } from "../project/context.ts";
import type { ExitCode } from "../util/errors.ts";

/** The format of a channel's notifications. */
export const NOTIFICATION_FORMAT = "wire";

/** The log's notifications of a product, by the ids of their records. */
export interface SeenRecords {
  /** Whether the log has a notification from the time of the change on: of a deletion only one that says so. */
  has(change: RecordChange): boolean;
  /** Reads what was recorded since. */
  update(): Promise<void>;
  /** Not 0 where parts of the log cannot be read. */
  exitCode(): ExitCode;
}

/**
 * A notification has the time by Zoho's clock, and so has a record, but in whole seconds. With this tolerance none that was seen
 * counts as missed; a second change within it does not count either.
 */
const TOLERANCE_MS = 2_000;
/** A notification is recorded later than its change, by a clock that may be wrong. */
const CLOCK_MARGIN_MS = 3_600_000;

/** Reads the log from a time on. */
export async function readSeenRecords(
  context: Context,
  log: Log,
  { product, since }: { readonly product: string; readonly since: Date },
): Promise<SeenRecords> {
  /** The times of their last notifications, by id. */
  const changed = new Map<string, number>();
  const deleted = new Map<string, number>();
  const damage = new DamageReport(context);
  let last = 0;
  const add = ({ n, accepted, format, event, records, delivery, receivedAt }: LogEntry): void => {
    last = Math.max(last, n);
    if (!accepted || format !== NOTIFICATION_FORMAT) return;
    const timeMs = serverTimeMs(delivery) ?? receivedAt.getTime();
    const maps = event?.endsWith(".delete") ? [changed, deleted] : [changed];
    for (const map of maps) for (const id of records) map.set(id, Math.max(timeMs, map.get(id) ?? timeMs));
  };
  const from = new Date(since.getTime() - CLOCK_MARGIN_MS);
  const { onDamaged } = damage;
  const read = async (filter: Parameters<Log["entries"]>[0]): Promise<void> => {
    for await (const entry of log.entries(
      { product, ...filter },
      { order: "oldest", onDamaged, signal: context.signal },
    ))
      add(entry);
    context.signal.throwIfAborted();
  };
  await read({ since: from });
  damage.report();
  return {
    has({ id, operation, at }) {
      const timeMs = (operation === "delete" ? deleted : changed).get(id);
      return timeMs !== undefined && timeMs + TOLERANCE_MS >= at.getTime();
    },
    update: () => read({ after: last }),
    exitCode: () => damage.exitCode,
  };
}

function serverTimeMs(delivery: LogEntry["delivery"]): number | undefined {
  const read = readPayload(delivery);
  const [text] = read.ok ? idsAt(read.payload.data, ["server_time"]) : [];
  const timeMs = Number(text);
  return text === undefined || !Number.isSafeInteger(timeMs) ? undefined : timeMs;
}
