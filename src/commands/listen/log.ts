import { pruneLimits, refuseForeignLog } from "../../config/event-log.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { UserError, usageError } from "../../core/errors.ts";
import type { Hold, Log } from "../../store/log.ts";
import { openLogAt } from "../../store/open-log.ts";
import { makeRunFolder } from "./run-folder.ts";

/** The log of a run. Undefined when none is to be kept and nothing has to wait in one. */
export interface RunLog {
  readonly log: Log;
  readonly hold: Extract<Hold, { held: true }>;
  /** The size that the log is pruned to; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** After the log is closed. */
  dispose(): void;
}

/**
 * Opens the event log, and makes it when it is not there. Deliveries that wait for a target wait in it; so with
 * `--no-store` and a target it is a file of this run only.
 */
export async function openRunLog(context: Context, config: Config, needed: boolean): Promise<RunLog | undefined> {
  const { root } = config;
  const { store } = config.settings;
  if (store === false && !needed) return undefined;
  refuseForeignLog(context, config);
  const limits = pruneLimits(context, config);
  const folder = store === false ? await makeRunFolder(context.now()) : undefined;
  const place = { root, store: folder?.path ?? String(store) };
  const dispose = (): void => folder?.remove();
  let log: Log;
  try {
    log = await openLogAt(place, { now: context.now, ...limits });
  } catch (error) {
    dispose();
    // The default log is a convenience: a machine without SQLite can still listen, and is told what it misses.
    if (error instanceof UserError && error.code === "log-unavailable" && !needed) {
      context.report({ type: "warning", message: `nothing is saved: ${error.message} (${error.hint})` });
      return undefined;
    }
    throw error;
  }
  const leave = async (): Promise<void> => {
    await log.close();
    dispose();
  };
  const hold = await log.hold({ pid: context.pid, url: undefined, since: context.now() }).catch(async (error) => {
    await leave();
    throw error;
  });
  if (hold.held) return { log, hold, maxBytes: limits.maxBytes, dispose };
  await leave();
  const holder =
    hold.by === undefined
      ? "another process"
      : `process ${hold.by.pid}${hold.by.url === undefined ? "" : ` on ${hold.by.url}`}`;
  throw usageError(
    `another zoho-hooks listen is using ${log.path}: ${holder}`,
    "stop that one, or give this one its own log: --store other.db, or --no-store",
  );
}
