import type { Log } from "../log/log.ts";
import { openLogAt } from "../log/open-log.ts";
import type { Context } from "../project/context.ts";
import { type Config, logPlace } from "../project/load.ts";
import { UserError } from "../util/errors.ts";

/** The log, opened once for all requests, and again after it was replaced. It need not exist yet. */
export class SharedLog {
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

  async close(): Promise<void> {
    const opened = this.#log;
    this.#log = undefined;
    await opened?.then((log) => log.close()).catch(() => {});
  }
}
