import { rememberChannelTokens } from "../channels/read-tokens.ts";
import type { Log } from "../log/log.ts";
import { projectProducts } from "../own-products/project-products.ts";
import type { Context, Sink } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import type { Settings } from "../project/settings.ts";
import type { Report } from "../reports/text.ts";
import type { ReportingWorkspace, RunDeliveries } from "../workspace/workspace.ts";

/** What depends on who asks, and is never part of the input. */
export interface Door {
  /** Default: false. */
  readonly showSecrets?: boolean | undefined;
  /** Taken before all other settings. */
  readonly flags?: Readonly<Partial<Settings>>;
  /** What a key of `listen` uses with it. */
  readonly listener?: {
    /** SQLite's locks are the process's: to close a file of the log that was opened twice would release them. */
    readonly log: Log;
    /** Address of the receiver on this machine. */
    readonly url: string;
  };
  readonly runDeliveries?: RunDeliveries | undefined;
  /** Throws a usage error for a URL that must not be sent to. Default: every URL may be. */
  requireReachable?(url: string): void;
}

/** Reads the project once, for an operation that reports to the terminal. */
export function openWorkspace(context: Context<Report>, door: Door = {}): ReportingWorkspace<Report> {
  return openWorkspaceFor(context, context, door);
}

/** The same for one that reports elsewhere. */
export function openWorkspaceFor(
  sink: Sink<Report>,
  context: Context,
  { showSecrets = false, flags = {}, listener, runDeliveries, requireReachable = () => {} }: Door,
): ReportingWorkspace<Report> {
  const { cwd, env, platform, packageRoot, invocation, userFolder, knownSecrets, overrides, now, sleep } = context;
  const { report, waiting, progress, verbose, quiet, json } = sink;
  const config = loadConfig(context, { flags });
  return {
    cwd,
    env,
    platform,
    packageRoot,
    invocation,
    userFolder,
    knownSecrets,
    overrides,
    now,
    sleep,
    config,
    showSecrets,
    listenerUrl: listener?.url,
    runDeliveries,
    products: (options) => projectProducts(config, options),
    secrets: () => loadConfig(context, { flags, needsSecrets: true }).secrets,
    async openLog() {
      if (listener === undefined) {
        const { openProjectLog } = await import("../history/open-log.ts");
        return openProjectLog(context, config);
      }
      await rememberChannelTokens(context, config);
      return { log: listener.log, async close() {} };
    },
    requireReachable,
    report,
    waiting,
    progress,
    get signal() {
      return sink.signal;
    },
    verbose,
    quiet,
    json,
  };
}
