import type { LockOwner, Log } from "../log.ts";
import { createReadinessCheck } from "../readiness.ts";
import { createAppender, setAnswer } from "./append.ts";
import { APPEND_TIMEOUT_MS, checkServer, connectTo, type DatabaseAddress, openDatabase } from "./connect.ts";
import { Leases } from "./leases.ts";
import { createNotices } from "./notice.ts";
import { PostgresQueue } from "./queue.ts";
import { PostgresReader } from "./read.ts";
import { createReceivers, readOwner, takeDuty } from "./receivers.ts";
import { prune } from "./retention.ts";
import { createTables, LOCK_DELIVERIES, readFormat, requireLog } from "./schema.ts";
import { createSharedSecrets } from "./secrets.ts";

export interface OpenPostgresOptions extends DatabaseAddress {
  now(): Date;
  /** Whether a missing log is created, and one of an earlier format upgraded. Default true. */
  readonly create?: boolean | undefined;
  /** How long deliveries are kept; forever by default. */
  readonly keepMs?: number | undefined;
  /** The size that `prune` reduces the log to. */
  readonly maxBytes?: number | undefined;
  /** `ZOHO_HOOKS_STORE_KEY`, of which the key of the shared secrets is derived. */
  readonly storeKey?: string | undefined;
  /** How long a claim lasts that is not renewed. */
  readonly leaseMs?: number;
}

const LEASE_MS = 15_000;
/** A commit after the lock of all appends. The transaction id makes it a write, which a standby refuses and the disk has to take. */
const PROBE = `SELECT ${LOCK_DELIVERIES}, pg_current_xact_id()`;

/** Opens or creates a log in PostgreSQL. Rejects with a UserError when the server, the way to it or the driver fails. */
export async function openPostgresLog(options: OpenPostgresOptions): Promise<Log> {
  const { now, keepMs, maxBytes, storeKey, create = true, leaseMs = LEASE_MS } = options;
  const database = openDatabase(await connectTo(options));
  try {
    if (create) {
      await checkServer(database);
      await createTables(database);
    }
    await requireLog(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  const leases = new Leases(database, { now, ms: leaseMs });
  const queue = new PostgresQueue(database, { now, leases });
  const receivers = createReceivers(database);
  const appender = createAppender(database, { now, leases, receiver: receivers.id });
  const notices = createNotices(database);
  const reader = new PostgresReader(database, now);

  return {
    path: database.path,
    append: (entry) => appender.write(entry),
    checkReady: createReadinessCheck({
      path: database.path,
      provenAt: database.provenAt,
      probe: () => database.queryBefore(performance.now() + APPEND_TIMEOUT_MS, PROBE),
    }),
    setAnswer: (n, answer) => setAnswer(database, n, answer),
    queue: {
      claim: (request) => queue.claim(request),
      complete: (claim, attempt, outcome) => queue.complete(claim, attempt, outcome),
      release: (claims, dueAt) => leases.release(claims, dueAt),
      giveUp: (target) => queue.giveUp(target),
      waiting: () => queue.waiting(),
      onWork: notices.onWork,
    },
    recordAttempt: (n, attempt) => queue.recordAttempt(n, attempt),
    get: (n) => reader.get(n),
    rows: (filter, list) => reader.rows(filter, list),
    entries: (filter, list) => reader.entries(filter, list),
    ends: () => reader.ends(),
    attemptsAfter: (id) => reader.attemptsAfter(id),
    countReconstructed: () => reader.countReconstructed(),
    stats: (filter, statsOptions) => reader.stats(filter, statsOptions),
    prune: (limits = { keepMs, maxBytes }, signal = undefined) => prune(database, { limits, now, signal }),
    lock: receivers.lock,
    takeDuty: (name) => takeDuty(database, name),
    shared: { receivers: receivers.all, secrets: createSharedSecrets(database, storeKey) },
    async close() {
      receivers.close();
      try {
        await notices.close();
        await appender.close();
        await queue.close();
        await leases.close();
      } finally {
        await database.close();
      }
    },
  };
}

/** An active receiver, one of this machine first; undefined when there is none, or no log. */
export async function readPostgresOwner(address: DatabaseAddress, host: string): Promise<LockOwner | undefined> {
  const database = openDatabase(await connectTo(address));
  try {
    if ((await readFormat(database)) === undefined) return undefined;
    await requireLog(database);
    return await readOwner(database, host);
  } finally {
    await database.close();
  }
}
