import type { GrowingLog } from "../history/changes.ts";
import type { FollowedAttempt, Log, LogEnds, LogFilter, LogListOptions, LogRow } from "../log/log.ts";
import { openLogAt } from "../log/open-log.ts";
import type { Context } from "../project/context.ts";
import { type Config, logPlace } from "../project/load.ts";
import { UserError } from "../util/errors.ts";

/** The log, opened once for all requests, and again after it was replaced. It need not exist yet, and is empty then. */
export class SharedLog implements GrowingLog {
  readonly #open: () => Promise<Log>;
  #log: Promise<Log> | undefined;

  constructor({ now }: Context, config: Config) {
    this.#open = () => openLogAt(logPlace(config), { now, create: false });
  }

  /** `missing` is the result where there is no log yet. */
  async use<T>(work: (log: Log) => Promise<T>, missing: T): Promise<T> {
    this.#log ??= this.#open().catch((error: unknown) => {
      // The reason, such as a lock, may be gone by the next call.
      this.#log = undefined;
      throw error;
    });
    const opening = this.#log;
    try {
      return await work(await opening);
    } catch (error) {
      if (!(error instanceof UserError) || !/^log-(?:missing|gone)$/.test(error.code)) throw error;
      if (this.#log === opening) await this.close();
      return missing;
    }
  }

  ends(): Promise<LogEnds> {
    return this.use((log) => log.ends(), { oldest: 0, newest: 0, lastAttempt: 0 });
  }

  /** Read as a whole first: give a limit. */
  async *rows(filter?: LogFilter, options?: LogListOptions): AsyncGenerator<LogRow> {
    const read = async (log: Log): Promise<readonly LogRow[]> => {
      const rows: LogRow[] = [];
      for await (const row of log.rows(filter, options)) rows.push(row);
      return rows;
    };
    yield* await this.use(read, []);
  }

  attemptsAfter(id: number): Promise<readonly FollowedAttempt[]> {
    return this.use((log) => log.attemptsAfter(id), []);
  }

  async close(): Promise<void> {
    const opened = this.#log;
    this.#log = undefined;
    await opened?.then((log) => log.close()).catch(() => {});
  }
}
