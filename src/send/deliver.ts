import { setMaxListeners } from "node:events";
import { openPoster, type PostResult } from "../forward/post.ts";
import { folderOfOtherListener, runningListener } from "../history/running-listener.ts";
import type { Config } from "../project/load.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { ExitCode } from "../util/errors.ts";
import { reachableOrigin } from "../util/hosts.ts";
import { oneLine } from "../util/text.ts";
import { onAbort, stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { answersExitCode } from "./flags.ts";
import type { SendReport, SentReport } from "./lines.ts";
import { outcomeOf } from "./outcome.ts";
import { postOne, requestReport } from "./outgoing.ts";
import { goesToListener, type SendPlan } from "./plan.ts";
import { countDeliveries, type SampleDelivery, sampleDeliveries } from "./sample-deliveries.ts";
import type { Source } from "./sources.ts";
import { Tally } from "./tally.ts";

/**
 * Up to this many deliveries each get a new connection: one that fails on a reused connection is posted again, and would come
 * twice. More connections would exhaust the system's ports.
 */
export const MAX_OWN_CONNECTIONS = 1000;
/** How long requests in flight may still take after Ctrl-C. */
const ABORT_GRACE_MS = 2000;

/** Posts everything and reports the results. */
export async function deliver(
  workspace: ReportingWorkspace<SendReport>,
  plan: SendPlan,
  config: Config,
  sources: readonly Source[],
): Promise<ExitCode> {
  const { signal, json } = workspace;
  const total = countDeliveries(plan, sources);
  const isAlone = total === 1;
  // Scripts get a line for each delivery, however many there are.
  const lines = json || plan.count === 1;
  const nameWidth = Math.max(...sources.map(({ event = "" }) => event.length));
  // One accepted probe is enough.
  const areProbes = sources.some(({ probe }) => probe !== undefined);
  const tally = new Tally();
  const otherFolder = goesToListener(plan) ? await folderOfOtherListener(config) : undefined;
  if (otherFolder !== undefined) warnOfOtherListener(workspace, config, otherFolder);
  let missing: Promise<string> | undefined;
  const receiverHint = async ({ status, error }: PostResult): Promise<string | undefined> => {
    if (error?.code === "ECONNREFUSED" && plan.to === undefined) {
      missing ??= missingHint(workspace, config);
      return missing;
    }
    if (status === 401 && otherFolder !== undefined)
      return `it is the listen of ${oneLine(otherFolder)}, which has the secrets of that folder`;
    return undefined;
  };
  const progress = lines ? undefined : workspace.progress(total);
  const poster = await openPoster({
    timeoutMs: plan.timeoutMs,
    connections: plan.concurrency,
    insecure: plan.insecure ?? false,
    env: config.env,
    ownConnections: plan.count === 1 && total <= MAX_OWN_CONNECTIONS,
  });
  const grace = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stopWaiting = onAbort(signal, () => {
    timer = setTimeout(() => grace.abort(), isAlone ? 0 : ABORT_GRACE_MS);
  });
  const show = (sent: SentReport, brief: boolean): void =>
    workspace.report({ ...sent, person: { ...sent.person, brief, nameWidth } });
  const send = async (outgoing: SampleDelivery): Promise<void> => {
    if (areProbes && tally.ok > 0) return;
    if (lines && workspace.verbose && !json) workspace.report(requestReport(outgoing, { maskSecrets: true }));
    const post = () => poster.post(outgoing.delivery, { signal: grace.signal });
    const result = await postOne(workspace, outgoing, { isAlone, post });
    const outcome = outcomeOf(workspace, plan, outgoing, result, await receiverHint(result));
    const report = tally.add(outcome, workspace);
    if (lines) show(report, !isAlone && outcome.ok);
    progress?.advance(tally.count, tally.failed);
  };
  try {
    const concurrency = areProbes ? 1 : plan.concurrency;
    const items = sampleDeliveries(workspace, plan, config, sources);
    await runLoad(items, { concurrency, signal }, send);
  } finally {
    stopWaiting();
    clearTimeout(timer);
    progress?.end();
    await poster.close();
  }
  if (!lines) for (const example of tally.examples.values()) show(example, true);
  reportResults(workspace, tally, areProbes ? 1 : total);
  plan.onEnd?.(tally.byEvent(), tally.summary().seconds);
  if (tally.accepted > 0) return ExitCode.expectation;
  return answersExitCode(tally.ok > 0 && (areProbes || tally.failed === 0), plan.expectStatus);
}

function reportResults(workspace: ReportingWorkspace<SendReport>, tally: Tally, total: number): void {
  const warn = (message: string, hint?: string): void => workspace.report({ type: "warning", message, hint });
  if (total > 1) {
    for (const note of tally.notes) workspace.report({ type: "notice", message: note });
    workspace.report(tally.summary());
  }
  if (workspace.signal.aborted && total > 1) {
    const cut = tally.cutOff === 0 ? "" : `, ${tally.cutOff} more had no answer yet`;
    warn(`${stoppedBy(workspace.signal)}: ${tally.count} of ${total} were sent${cut}`);
  }
  for (const [reason, count] of tally.late)
    warn(
      `${counted(count, "answer")} came too late: ${reason}`,
      "let your app answer first, and do the work after that",
    );
}

function warnOfOtherListener({ invocation, report }: ReportingWorkspace, { settings }: Config, folder: string): void {
  report({
    type: "warning",
    message: `${reachableOrigin(settings.host, settings.port)} is the listen of another folder, ${oneLine(folder)}`,
    hint: `start ${invocation} listen in this one, or send to your own app: --to 3000`,
  });
}

/** Nothing listens at the default address, but the project's listen may run at another one. */
async function missingHint(workspace: ReportingWorkspace, config: Config): Promise<string> {
  // A damaged log is not what the user asked about.
  const url = workspace.listenerUrl ?? (await runningListener(config).catch(() => undefined));
  return url === undefined
    ? `start ${workspace.invocation} listen, or send to your own app: --to 3000`
    : `this project's listen runs at ${url}: add --to ${webhookUrl(url, ":product")}`;
}

interface LoadOptions {
  readonly concurrency: number;
  /** On abort no more work is started. */
  readonly signal: AbortSignal;
}

/**
 * Starts work for each item in order, and resolves when all that was started has ended. Items are taken from the iterator
 * one at a time, so a million of them take no more memory than a few.
 */
export async function runLoad<Item>(
  items: Iterator<Item>,
  { concurrency, signal }: LoadOptions,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  // One listener per waiting worker is not a leak.
  setMaxListeners(0, signal);
  const worker = async (): Promise<void> => {
    while (!signal.aborted) {
      const next = items.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
