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
  WhereClause,
} from "../log.ts";
import { type PageSource, readAll, type SqlSource } from "../paging.ts";
import {
  COUNT_RECONSTRUCTED,
  groupByDelivery,
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
import type { Database } from "./connect.ts";
import { CLOCK_SHIFT } from "./schema.ts";

/** Limit of the bodies in memory at once, beside the first. */
const MAX_BATCH_BYTES = 8_388_608;
const MAX_ATTEMPTS_READ = 500;

type Convert<T> = (row: SqlRow, delivery: Delivery | undefined) => T | undefined;
type OpenBatch<T> = (rows: readonly SqlRow[]) => Promise<Convert<T>>;

/** Reads a log in PostgreSQL. */
export class PostgresReader {
  readonly #read: Database["read"];
  readonly #now: () => Date;
  readonly #source: SqlSource;
  readonly #rows: PageSource<LogRow>;
  readonly #entries: PageSource<LogEntry>;

  constructor({ read }: Pick<Database, "read">, now: () => Date) {
    this.#read = read;
    this.#now = now;
    this.#source = {
      dialect: { unindexed: "", bytesOf: (column) => `convert_to(${column}, 'UTF8')` },
      query: read,
    };
    this.#rows = this.#pages(ROW_COLUMNS, async () => readRow, false);
    this.#entries = this.#pages(RECORD_COLUMNS, (rows) => this.#open(rows), true);
  }

  async get(n: number): Promise<LogEntry | undefined> {
    const rows = await this.#read(`SELECT ${RECORD_COLUMNS} FROM deliveries WHERE n = ?`, [n]);
    for await (const [entry] of this.#entries.convert(rows, {})) {
      if (entry instanceof Damage) throw damaged(n, entry.reason);
      return entry;
    }
    return undefined;
  }

  rows(filter: LogFilter = {}, options: LogListOptions = {}): AsyncIterable<LogRow> {
    return readAll(this.#rows, filter, options);
  }

  entries(filter: LogFilter = {}, options: LogListOptions = {}): AsyncIterable<LogEntry> {
    return readAll(this.#entries, filter, options);
  }

  async ends(): Promise<LogEnds> {
    const [row = {}] = await this.#read(
      `SELECT coalesce(min(n), 0) AS oldest, coalesce(max(n), 0) AS newest,
         (SELECT coalesce(max(id), 0) FROM attempts) AS last_attempt FROM deliveries`,
    );
    return {
      oldest: numberOf(row, "oldest"),
      newest: numberOf(row, "newest"),
      lastAttempt: numberOf(row, "last_attempt"),
    };
  }

  async attemptsAfter(id: number): Promise<readonly FollowedAttempt[]> {
    const sql = "SELECT * FROM attempts WHERE id > ? ORDER BY id LIMIT ?";
    return (await this.#read(sql, [id, MAX_ATTEMPTS_READ])).map(readFollowed);
  }

  async countReconstructed(): Promise<number> {
    const [row] = await this.#read(COUNT_RECONSTRUCTED);
    return row === undefined ? 0 : numberOf(row, "count");
  }

  stats(filter: StatsFilter = {}, options: StatsOptions = {}): Promise<LogStats> {
    return readStats(this.#source, filter, options);
  }

  #pages<T>(columns: string, open: OpenBatch<T>, readsBodies: boolean): PageSource<T> {
    const reader = this;
    return {
      ...this.#source,
      columns,
      page: this.#read,
      async ends() {
        const { oldest, newest } = await reader.ends();
        return { low: oldest, high: newest };
      },
      async *convert(rows, { where = [] }) {
        const needsBodies = readsBodies || where.length > 0;
        for (const batch of needsBodies ? await reader.#batchesOf(rows) : [rows]) {
          const contents = needsBodies ? await reader.#contentsOf(batch) : undefined;
          const convert = await open(batch);
          yield batch.map((row) => orDamage(() => convertRow(row, { contents, where, convert })));
        }
      },
    };
  }

  /** Few enough that their bodies fit in memory. */
  async #batchesOf(rows: readonly SqlRow[]): Promise<readonly (readonly SqlRow[])[]> {
    const found = await this.#read("SELECT n, length(body) AS bytes FROM contents WHERE n = ANY (?::bigint[])", [
      numbersOf(rows),
    ]);
    const sizes = new Map(found.map((row) => [row.n, numberOf(row, "bytes")]));
    const batches: SqlRow[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      const size = sizes.get(numberOf(row, "n")) ?? 0;
      bytes += size;
      if (bytes > MAX_BATCH_BYTES) {
        batches.push([]);
        bytes = size;
      }
      batches.at(-1)?.push(row);
    }
    return batches;
  }

  async #contentsOf(rows: readonly SqlRow[]): Promise<Contents> {
    const found = await this.#read("SELECT n, headers, body FROM contents WHERE n = ANY (?::bigint[])", [
      numbersOf(rows),
    ]);
    return new Map(found.map((row) => [numberOf(row, "n"), row]));
  }

  /** Reads the attempts and forwards of all of them, and returns what converts each. */
  async #open(rows: readonly SqlRow[]): Promise<Convert<LogEntry>> {
    const [attempts, forwards] = await Promise.all([
      this.#read("SELECT * FROM attempts WHERE n = ANY (?::bigint[]) ORDER BY id", [numbersOf(rows)]),
      this.#read(
        `SELECT n, target, state, attempts, due_at - ${CLOCK_SHIFT} AS due_at FROM forwards
         WHERE n = ANY (?::bigint[]) ORDER BY id`,
        [this.#now().getTime(), numbersOf(rows)],
      ),
    ]);
    const attemptsOf = groupByDelivery(attempts);
    const forwardsOf = groupByDelivery(forwards);
    return (row, delivery) => {
      if (delivery === undefined) return undefined;
      const n = numberOf(row, "n");
      const made = (attemptsOf.get(n) ?? []).map(readAttempt);
      const queued = (forwardsOf.get(n) ?? []).map(readForward);
      return { ...readRecord(row), delivery, attempts: made, forwards: queued };
    };
  }
}

type Contents = ReadonlyMap<number, SqlRow>;

interface Conversion<T> {
  /** Undefined where no bodies are read. */
  readonly contents: Contents | undefined;
  readonly where: readonly WhereClause[];
  readonly convert: Convert<T>;
}

/** Undefined for a delivery that does not match, or has been pruned meanwhile. */
function convertRow<T>(row: SqlRow, { contents, where, convert }: Conversion<T>): T | undefined {
  if (contents === undefined) return convert(row, undefined);
  const content = contents.get(numberOf(row, "n"));
  if (content === undefined) return undefined;
  const delivery = readDelivery({ ...row, ...content });
  return where.length > 0 && !matchesWhere(delivery, where) ? undefined : convert(row, delivery);
}

/** Unlike the queries, the rows are damaged only where what they hold is. */
function orDamage<T>(convert: () => T): T | Damage {
  try {
    return convert();
  } catch (error) {
    return new Damage(error);
  }
}

function numbersOf(rows: readonly SqlRow[]): readonly number[] {
  return rows.map((row) => numberOf(row, "n"));
}
