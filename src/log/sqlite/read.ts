import type { Delivery } from "../../delivery/delivery.ts";
import { Damage, damaged } from "../damage.ts";
import { matchesWhere } from "../filter.ts";
import type {
  FollowedAttempt,
  LogEnds,
  LogEntry,
  LogFilter,
  LogListOptions,
  LogRow,
  LogStats,
  StatsFilter,
  StatsOptions,
} from "../log.ts";
import { type Bounds, type PageSource, readAll, type SqlSource } from "../paging.ts";
import {
  COUNT_RECONSTRUCTED,
  groupByDelivery,
  maybeNumber,
  numberOf,
  RECORD_COLUMNS,
  ROW_COLUMNS,
  readAttempt,
  readDelivery,
  readFollowed,
  readForward,
  readRecord,
  readRow,
  type SqlRow,
} from "../rows.ts";
import { readStats } from "../stats.ts";
import { retryWhileLocked } from "./database.ts";
import type { NativeDatabase, NativeStatement } from "./engine.ts";
import { type FileGuard, logError, orDamage } from "./fault.ts";

interface ReaderOptions {
  readonly database: NativeDatabase;
  readonly path: string;
  readonly guard: FileGuard;
}

const MAX_ATTEMPTS_READ = 500;

/** Reads a log in a file. */
export class SqliteReader {
  readonly #options: ReaderOptions;
  readonly #statements: Statements;
  readonly #source: SqlSource;
  readonly #contents: Contents;
  readonly #rows: PageSource<LogRow>;
  readonly #entries: PageSource<LogEntry>;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#statements = new Statements(options.database);
    this.#source = sqlSource(this.#statements, (run) => this.read(run));
    this.#contents = new Contents(options.database);
    this.#rows = this.#pages(ROW_COLUMNS, () => readRow, false);
    this.#entries = this.#pages(RECORD_COLUMNS, (rows) => this.#contents.open(rows), true);
  }

  /** Runs a read after a check that the file is still the log, and again while another process has locked it. */
  read<T>(run: () => T): Promise<T> {
    return this.#query(() => {
      this.#options.guard.check();
      return run();
    });
  }

  async get(n: number): Promise<LogEntry | undefined> {
    return this.read(() => {
      const entry = orDamage(() => {
        const row = this.#statements.prepare(`SELECT ${RECORD_COLUMNS} FROM deliveries WHERE n = ?`).get(n);
        return row && this.#contents.open([row])(row);
      });
      if (entry instanceof Damage) throw damaged(n, entry.reason);
      return entry;
    });
  }

  rows(filter: LogFilter = {}, options: LogListOptions = {}): AsyncIterable<LogRow> {
    return readAll(this.#rows, filter, options);
  }

  entries(filter: LogFilter = {}, options: LogListOptions = {}): AsyncIterable<LogEntry> {
    return readAll(this.#entries, filter, options);
  }

  ends(): Promise<LogEnds> {
    return this.read(() => {
      // First: what is recorded meanwhile has a later attempt.
      const lastAttempt = this.#lastAttempt();
      const { low, high } = boundsOf(this.#options.database);
      return { oldest: low, newest: high, lastAttempt };
    });
  }

  attemptsAfter(id: number): Promise<readonly FollowedAttempt[]> {
    const sql = `SELECT * FROM attempts WHERE id > ? ORDER BY id LIMIT ${MAX_ATTEMPTS_READ}`;
    return this.read(() => this.#statements.prepare(sql).all(id).map(readFollowed));
  }

  countReconstructed(): Promise<number> {
    return this.read(() => numberOf(this.#statements.prepare(COUNT_RECONSTRUCTED).get() ?? {}, "count"));
  }

  async stats(filter: StatsFilter = {}, options: StatsOptions = {}): Promise<LogStats> {
    try {
      return await readStats(this.#source, filter, options);
    } catch (error) {
      // Beside the reads, what is done with their values may meet damaged ones.
      throw logError(error, this.#options.path);
    }
  }

  #lastAttempt(): number {
    const row = this.#statements.prepare("SELECT max(id) AS id FROM attempts").get();
    return (row && maybeNumber(row, "id")) ?? 0;
  }

  async #query<T>(run: () => T): Promise<T> {
    try {
      return await retryWhileLocked(run);
    } catch (error) {
      throw logError(error, this.#options.path);
    }
  }

  #pages<T>(columns: string, open: OpenPage<T>, readsBodies: boolean): PageSource<T> {
    return {
      ...this.#source,
      columns,
      page: (sql, values) => this.read(() => orDamage(() => this.#statements.prepare(sql).all(...values))),
      ends: () => this.read(() => boundsOf(this.#options.database)),
      convert: (rows, filter) => this.#convert(rows, filter, { open, readsBodies }),
    };
  }

  async *#convert<T>(
    rows: readonly SqlRow[],
    { where = [] }: LogFilter,
    { open, readsBodies }: { readonly open: OpenPage<T>; readonly readsBodies: boolean },
  ): AsyncGenerator<readonly (T | undefined | Damage)[]> {
    const matches = (row: SqlRow): boolean => {
      if (where.length === 0) return true;
      const delivery = this.#contents.delivery(row);
      return delivery !== undefined && matchesWhere(delivery, where);
    };
    const made = await this.#query(() => orDamage(() => open(rows)));
    const make = made instanceof Damage ? (row: SqlRow) => open([row])(row) : made;
    const convert = (row: SqlRow) => orDamage(() => (matches(row) ? make(row) : undefined));
    // No more than one body is in memory.
    if (where.length > 0 || readsBodies) for (const row of rows) yield [await this.#query(() => convert(row))];
    else yield await this.#query(() => rows.map(convert));
  }
}

export function sqlSource(database: Pick<NativeDatabase, "prepare">, read: <T>(run: () => T) => Promise<T>): SqlSource {
  return {
    dialect: { unindexed: "+", bytesOf: (column) => `CAST(${column} AS BLOB)` },
    query: (sql, values) => read(() => database.prepare(sql).all(...values)),
  };
}

/** The bounds of the numbers in the log, even when the rows at its ends cannot be read. */
function boundsOf(database: NativeDatabase): Bounds {
  const query = (sql: string) => orDamage(() => maybeNumber(database.prepare(sql).get() ?? { n: null }, "n") ?? 0);
  const min = query("SELECT min(n) AS n FROM deliveries");
  const low = min instanceof Damage ? 1 : min;
  const high = query("SELECT max(n) AS n FROM deliveries");
  if (!(high instanceof Damage)) return { low, high };
  const assigned = query("SELECT seq AS n FROM sqlite_sequence WHERE name = 'deliveries'");
  if (assigned instanceof Damage || assigned === 0) throw high.cause;
  return { low, high: assigned };
}

const MAX_STATEMENTS = 50;

/** Prepares each statement once: a follower runs the same ones again and again. */
class Statements {
  readonly #database: NativeDatabase;
  readonly #prepared = new Map<string, NativeStatement>();

  constructor(database: NativeDatabase) {
    this.#database = database;
  }

  prepare(sql: string): NativeStatement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    if (this.#prepared.size >= MAX_STATEMENTS) this.#prepared.clear();
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** Reads what belongs to the rows of a page, and returns what converts each; undefined stands for one that has been pruned. */
type OpenPage<T> = (rows: readonly SqlRow[]) => (row: SqlRow) => T | undefined;

const OF_ROWS = "n IN (SELECT value FROM json_each(?)) ORDER BY id";

/** Reads the requests, attempts and forwards of deliveries. */
class Contents {
  readonly #request: NativeStatement;
  readonly #attempts: NativeStatement;
  readonly #forwards: NativeStatement;

  constructor(database: NativeDatabase) {
    this.#request = database.prepare("SELECT headers, body FROM contents WHERE n = ?");
    this.#attempts = database.prepare(`SELECT * FROM attempts WHERE ${OF_ROWS}`);
    this.#forwards = database.prepare(`SELECT * FROM forwards WHERE ${OF_ROWS}`);
  }

  /** The exact request of a row of `deliveries`; undefined when it has been pruned since the row was read. */
  delivery(row: SqlRow): Delivery | undefined {
    const found = this.#request.get(numberOf(row, "n"));
    return found === undefined ? undefined : readDelivery({ ...row, ...found });
  }

  open(rows: readonly SqlRow[]): (row: SqlRow) => LogEntry | undefined {
    const numbers = JSON.stringify(rows.map(({ n }) => n));
    const attemptsOf = groupByDelivery(this.#attempts.all(numbers));
    const forwardsOf = groupByDelivery(this.#forwards.all(numbers));
    return (row) => {
      const n = numberOf(row, "n");
      const request = this.delivery(row);
      if (request === undefined) return undefined;
      const made = (attemptsOf.get(n) ?? []).map(readAttempt);
      const queued = (forwardsOf.get(n) ?? []).map(readForward);
      return { ...readRecord(row), delivery: request, attempts: made, forwards: queued };
    };
  }
}
