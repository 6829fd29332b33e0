import { orphanNotes, reportOldUrls } from "../channels/orphaned-channels.ts";
import { withChannelTokens } from "../channels/tokens.ts";
import { KEY_SET_PATH } from "../delivery/paths.ts";
import { recordAndForward, recordForOthers } from "../forward/forwarder.ts";
import { explainCommand } from "../history/open-log.ts";
import type { AnyReport } from "../process/messages.ts";
import { boundOutput } from "../process/output.ts";
import { type Context, overrideContext } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { openTips, type Tips } from "../project/tips.ts";
import { eventReport, type ReceivedEvent } from "../receiver/event-report.ts";
import { reportHintsOnce } from "../receiver/notices.ts";
import { memoryRecorder, type Recorder } from "../receiver/recorder.ts";
import { ExitCode, errorText, UserError } from "../util/errors.ts";
import { reachableUrl } from "../util/hosts.ts";
import { firstOf, onAbort } from "../util/timing.ts";
import { parseRunTime } from "../util/units.ts";
import { openKeySets } from "../zoho-api/key-sets.ts";
import { type AdminPart, startAdmin } from "./admin.ts";
import { startConfigWatch } from "./config-watch.ts";
import { type ExecPart, startExec } from "./exec.ts";
import { type ForwardingPart, startForwarding, waitingNotes } from "./forwarding.ts";
import { joinAnswers } from "./join-answers.ts";
import type { ListenContext, ListenReport } from "./lines.ts";
import { keptBytes, type LogPart, startLog, startPruning } from "./log-part.ts";
import type { Part, RegisteredPart } from "./part.ts";
import { EXPECT_TIMEOUT, type ListenOptions, type Plan, readPlan } from "./plan.ts";
import { type ReadyState, readyReport, warnIfOpen } from "./ready.ts";
import { type ReceiverPart, startReceiverPart } from "./receiver-part.ts";
import { type SharedSecretsPart, shareSecrets } from "./shared-secrets.ts";
import { startSleepDetector } from "./sleep-detector.ts";
import type { RunResult } from "./tally.ts";
import { runProbeKey, startTunnel, type TunnelPart } from "./tunnel-part.ts";
import { createTunnelSwitch, type TunnelSwitch } from "./tunnel-switch.ts";
import type { ZohoPart } from "./zoho-part.ts";

/** The parts that need the terminal or the inspector, which are made above this folder. */
interface Interface<Own> {
  /** Undefined where no keys are taken. What the run reports goes through the `context` of what it makes. */
  createKeys:
    | ((context: Context<ListenReport | Own>) => {
        readonly context: Context<ListenReport | Own>;
        start(plan: Plan, parts: Parts, toggle: Toggle): Promise<Part>;
      })
    | undefined;
  createInspector(context: ListenContext, plan: Plan, log: Pick<LogPart, "startedAfter"> | undefined): InspectorPart;
  onEnd(result: RunResult): void;
}

/** Opens or closes the tunnel. `waiting`: shows that it is waited for. */
export type Toggle = (waiting: ListenContext["waiting"]) => Promise<void>;

interface InspectorPart extends Part {
  /** Starts it unless it runs. Resolves to its address; undefined, with a warning, where it could not be started. */
  start(): Promise<string | undefined>;
}

/** The parts of a run, in the order in which they start. One that is not wanted, or not reached, is not set. */
export interface Parts {
  admin?: AdminPart;
  zoho?: ZohoPart;
  log?: LogPart;
  inspector?: InspectorPart;
  shared?: SharedSecretsPart;
  forwarding?: ForwardingPart;
  receiver?: ReceiverPart;
  tunnel?: TunnelPart;
  registered?: RegisteredPart;
  pruning?: Part;
  sleepDetector?: Part;
  configWatch?: Part;
  deadWebhooks?: Part;
  exec?: ExecPart;
  keys?: Part;
}

interface Run extends Pick<Interface<never>, "createInspector"> {
  readonly context: ListenContext;
  readonly plan: Plan;
  readonly parts: Parts;
  /** Reasons for which the run ends; its exit code follows from them. */
  readonly ending: {
    /** Why the tunnel, a channel or a webhook is lost for good. */
    lost?: unknown;
    /** The exit code of the program of `--exec`. */
    program?: number | "timed out";
    /** The run has reached its goal, so what it has accepted is forwarded before it ends. */
    drains?: boolean;
  };
  /** Aborts when all expected events have arrived, or something is lost. */
  readonly over: AbortController;
  readonly takesKeys: boolean;
  /** Set once there is a receiver that a tunnel can lead to. */
  tunnelSwitch?: TunnelSwitch;
}

/** Receives, records and forwards until Ctrl-C, `--timeout`, the end of `--exec` or all events of `--expect`. */
export async function listen<Own extends AnyReport>(
  given: Context<ListenReport | Own>,
  target: string | undefined,
  options: ListenOptions,
  { createKeys, createInspector, onEnd }: Interface<Own>,
): Promise<ExitCode | number> {
  const elsewhere = `${given.invocation} events list shows what is in the event log`;
  const { report, droppedLines } = boundOutput(given, { elsewhere });
  const bounded = overrideContext(given, { report });
  const keys = createKeys?.(bounded);
  const separate: ListenContext = keys?.context ?? bounded;
  // From here on Ctrl-C ends the run in order: whatever is open by then is closed.
  const { signal } = separate;
  const plan = await readPlan(separate, target, options);
  const isForPerson = separate.stdout.isTTY && !separate.json;
  const isAnswered = plan.role === "both" && !plan.routes.empty;
  const context =
    isForPerson && isAnswered ? overrideContext(separate, { report: joinAnswers(separate.report) }) : separate;
  context.neverWaitForTerminal();
  const takesKeys = keys !== undefined;
  const run: Run = { context, plan, parts: {}, ending: {}, over: new AbortController(), takesKeys, createInspector };
  const { parts, ending } = run;
  const startedAt = performance.now();
  try {
    if (options.admin !== undefined) parts.admin = await startAdmin(context, options.admin);
    if (plan.role === "deliver") await startDelivering(run);
    else await startReceiving(run);
    const toggle: Toggle = async (waiting) => run.tunnelSwitch?.toggle(waiting);
    if (keys !== undefined) parts.keys = await keys.start(plan, parts, toggle);
    await untilOver(run);
  } catch (error) {
    // Ctrl-C during the start: what it interrupts is not a failure.
    if (!signal.aborted || error instanceof UserError) throw error;
  } finally {
    // After Ctrl-C a run ends without forwarding the rest.
    ending.drains = (plan.tally.isComplete() || typeof ending.program === "number") && !signal.aborted;
    await run.tunnelSwitch?.end();
    await stopParts(context, listed(parts), ending.drains ? signal : undefined);
  }
  plan.drift?.report();
  const seconds = (performance.now() - startedAt) / 1000;
  const counts = plan.tally.counts();
  context.report({
    type: "summary",
    ...counts.total,
    products: counts.products,
    seconds,
    forwards: parts.forwarding?.counts() ?? null,
    tunnel_down_ms: parts.tunnel?.downMs() ?? null,
    left_out: await droppedLines(),
    expectations: counts.expectations,
    person: { role: plan.role },
  });
  onEnd({ expectations: counts.expectations, program: ending.program, seconds });
  return exitCodeOf(run);
}

function listed(parts: Parts): readonly Part[] {
  return Object.values(parts);
}

/** From the request of a sender to the developer's app. */
async function startReceiving(run: Run): Promise<void> {
  const { context, plan, parts, over, ending } = run;
  const { options, config, products, registrations, isShared } = plan;
  const onLost = (error: unknown): void => {
    ending.lost ??= error;
    over.abort();
  };
  const probeKey = runProbeKey(config);
  if (registrations.length > 0 || options.expand === true) {
    // Loaded only here: most runs need nothing of Zoho's API.
    const { startZoho } = await import("./zoho-part.ts");
    const expand = options.expand === true;
    parts.zoho = await startZoho(context, { registrations, expand, config, isShared, onLost });
  }
  const { env } = config;
  const keys = await openKeySets(context, { env, secrets: parts.zoho?.secrets ?? config.secrets }, products);
  let secrets = withChannelTokens(keys.secrets, { folder: context.userFolder, known: context.knownSecrets });
  const log = await openLog(run);
  const shared = log && (await shareSecrets(context, config, log.log));
  if (shared !== undefined) parts.shared = shared;
  secrets = shared?.with(secrets) ?? secrets;
  parts.inspector = run.createInspector(context, plan, log);
  const inspecting = options.ui === true ? parts.inspector.start() : undefined;
  const waiting = await startForwardingPart(run);
  const receiver = await startReceiverPart(context, plan, {
    secrets,
    renewKeys: keys.renew,
    recorder: recorderOf(plan, parts),
    probeKey,
    publicUrl: () => parts.tunnel?.url(),
    onEvent: eventHandler(run, await openTips(context, config.root)),
    onClosing: () => parts.forwarding?.abortMirrored(),
    shared,
    whyNotReady: log?.whyNotReady,
  });
  parts.receiver = receiver;
  onAbort(context.signal, receiver.drain);
  await openTunnels(run, { receiver, probeKey, onLost, onUrl: async (url) => log?.setUrl(receiver.url, url) });
  const publicUrl = parts.tunnel?.url();
  // Before a channel is registered: receivers of one URL share it.
  await log?.setUrl(receiver.url, publicUrl);
  if (parts.zoho?.register !== undefined) {
    // Without a public URL Zoho is on this machine: the plan has made sure of that.
    const baseUrl = publicUrl ?? reachableUrl(receiver.url);
    parts.registered = await parts.zoho.register(baseUrl, log && shared && { log: log.log, shared });
    // The tunnel may have come back under another one meanwhile.
    const newUrl = parts.tunnel?.url();
    if (newUrl !== undefined && newUrl !== publicUrl) parts.registered.onMoved?.(newUrl);
  }
  if (log !== undefined) parts.pruning = startPruning(context, log);
  parts.sleepDetector = startSleepDetector(context);
  parts.configWatch = startConfigWatch(context, config.root);

  const keySetUrl = plan.keySet === undefined ? undefined : `${receiver.url}${KEY_SET_PATH}`;
  const important = [plan.timeoutNote ?? [], waiting, await orphanNotes(context)].flat();
  const inspectorUrl = await inspecting;
  await reportReady(run, { secrets, keySetUrl, inspectorUrl }, important);
  receiver.ready();
  parts.deadWebhooks = startDeadWebhookCheck(
    context,
    config,
    registrations.map(({ product }) => product.id),
  );
  if (options.exec !== undefined)
    parts.exec = await startExec(context, options.exec, {
      url: receiver.url,
      publicUrl: parts.tunnel?.url(),
      keySetUrl,
      inspectorUrl,
      products,
      paths: config.settings.paths,
    });
}

/** Opens the tunnel of the start, and what opens and closes others while the run lasts. */
async function openTunnels(
  run: Run,
  {
    receiver,
    probeKey,
    onLost,
    onUrl,
  }: {
    readonly receiver: ReceiverPart;
    readonly probeKey: ReturnType<typeof runProbeKey>;
    onLost(error: unknown): void;
    onUrl(url: string | undefined): Promise<void>;
  },
): Promise<void> {
  const { context, plan, parts } = run;
  const { config, isShared, choice } = plan;
  const registered = () => parts.registered?.state() ?? [];
  const onMoved = (url: string, previousUrl: string): void => {
    for (const part of listed(parts)) part.onMoved?.(url);
    void reportOldUrls(context, { url, previousUrl, moved: registered().map(({ id }) => id) });
  };
  const open: Parameters<typeof createTunnelSwitch>[0]["open"] = (own, chosen, onLostTunnel) =>
    startTunnel(own, config, {
      choice: chosen,
      receiver,
      probeKey,
      isShared,
      registered: () => registered().map(({ kind, id }) => `${kind} ${id}`),
      onMoved,
      onLost: onLostTunnel,
    });
  if (choice.kind !== "none") parts.tunnel = await open(context, choice, onLost);
  run.tunnelSwitch = createTunnelSwitch({ context, plan, parts, open, onUrl, onMoved });
}

/** Looks once, in the background, for webhooks that an earlier `listen` or `webhooks create` has left behind. */
function startDeadWebhookCheck(context: ListenContext, config: Config, registered: readonly string[]): Part {
  const stopped = new AbortController();
  const look = async (): Promise<void> => {
    const { warnOfDeadWebhooks } = await import("../zoho-webhooks/dead-webhooks.ts");
    const signal = AbortSignal.any([context.signal, stopped.signal]);
    await warnOfDeadWebhooks(context, config, { registered, signal });
  };
  const done = look().catch((error: unknown) => {
    context.report({ type: "warning", message: `webhooks of earlier runs could not be checked: ${errorText(error)}` });
  });
  return {
    name: "the check of webhooks of earlier runs",
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

/** Shows an event and passes it to every part that uses it. */
function eventHandler({ context, plan, parts, ending, over }: Run, tips: Tips): (event: ReceivedEvent) => void {
  const { config, products, tally, drift, loops, options } = plan;
  const reportHint = reportHintsOnce(context, products, { below: true, tips });
  const sameAs = findEqualRejections();
  return (event) => {
    const { n, body, receipt, status } = event;
    const isWhole = keptBytes(event) >= body.length;
    const why = isWhole ? explainCommand(context, config, n, receipt.verdicts) : undefined;
    const first = event.shown ? sameAs(event) : undefined;
    context.report(eventReport(event, { explainCommand: why, sameAs: first, showSecrets: options.showSecrets }));
    if (event.shown) {
      drift?.add(event);
      reportHint(receipt, status);
    }
    for (const part of listed(parts)) part.onEvent?.(event);
    tally.add(event);
    if (event.refusal === undefined && event.duplicateOf === undefined) {
      const { product = "", records } = receipt;
      loops.arrived({ n, product, records, at: event.at.getTime() });
    }
    // The program of --exec decides itself when it is done.
    if (tally.isComplete() && (options.exec === undefined || ending.program !== undefined)) over.abort();
  };
}

/** Finds the number of the first of a row of rejections for the same reasons; undefined for that one itself. */
function findEqualRejections(): (event: ReceivedEvent) => number | undefined {
  let first: { readonly n: number; readonly reasons: string } | undefined;
  return ({ n, status, refusal, receipt }) => {
    if (refusal === undefined) {
      first = undefined;
      return undefined;
    }
    const reasons = JSON.stringify([status, refusal, receipt.suggestions, receipt.schema?.issues]);
    if (first?.reasons === reasons) return first.n;
    // One that could not be recorded has no number to refer to.
    first = n === 0 ? undefined : { n, reasons };
    return undefined;
  };
}

/** `--role deliver`: from the log to the app, without a receiver. */
async function startDelivering(run: Run): Promise<void> {
  const { context, plan, parts } = run;
  const log = await openLog(run);
  if (log === undefined) throw new Error("the log of --role deliver is a shared one");
  parts.inspector = run.createInspector(context, plan, log);
  const inspectorUrl = plan.options.ui === true ? await parts.inspector.start() : undefined;
  const waiting = await startForwardingPart(run);
  parts.pruning = startPruning(context, log);
  parts.configWatch = startConfigWatch(context, plan.config.root);
  await reportReady(run, { inspectorUrl, keySetUrl: undefined }, waiting);
}

async function openLog({ context, plan, parts }: Run): Promise<LogPart | undefined> {
  const log = await startLog(context, plan);
  if (log !== undefined) parts.log = parts.admin === undefined ? log : { ...log, log: parts.admin.watch(log.log) };
  return parts.log;
}

/** Resolves to what is said about deliveries of earlier runs, where this one sends any. */
async function startForwardingPart({ context, plan, parts }: Run): Promise<readonly string[]> {
  if (parts.log === undefined || plan.role === "receive") return [];
  const waiting = await waitingNotes(context, plan, parts.log.log);
  if (!plan.routes.empty) parts.forwarding = await startForwarding(context, plan, parts.log.log);
  return waiting;
}

function recorderOf({ role, routes }: Plan, { log, forwarding }: Parts): Recorder {
  if (forwarding !== undefined) return forwarding.recorder;
  if (log === undefined) return memoryRecorder();
  return role === "receive" ? recordForOthers(log.log, routes) : recordAndForward(log.log);
}

/** Shows the ready block; with `-v` the important notes are in it. From then on deliveries of earlier runs are sent. */
async function reportReady(
  run: Run,
  state: Pick<ReadyState, "secrets" | "keySetUrl" | "inspectorUrl">,
  important: readonly string[],
): Promise<void> {
  const { context, plan, parts, takesKeys } = run;
  const isUnsaved = parts.log === undefined;
  const notes = [
    ...(isUnsaved ? ["Nothing is saved: there is no event log."] : []),
    ...listed(parts).flatMap((part) => part.notes ?? []),
    ...important,
  ];
  const ready = readyReport(context, plan, parts, {
    ...state,
    takesKeys,
    notes,
    appAnswers: await parts.forwarding?.appAnswers(),
  });
  warnIfOpen(context, plan.config.settings, ready);
  if (!context.verbose) for (const message of important) context.report({ type: "notice", message });
  context.report(ready);
  await parts.forwarding?.resume();
  parts.admin?.ready(context.signal, parts.log);
}

/** Resolves when the run is to end, whatever the reason. */
async function untilOver({ context, plan, parts, ending, over }: Run): Promise<void> {
  const { signal } = context;
  const { exec, timeout } = plan.options;
  const programEnd = new AbortController();
  parts.exec?.ended
    .then((code) => {
      ending.program ??= code;
    })
    .catch(() => {})
    .finally(() => programEnd.abort());
  const readyAt = performance.now();
  const ended = await firstOf([signal, over.signal, programEnd.signal], plan.timeoutMs);
  if (ended === "timeout" && exec !== undefined) {
    ending.program = "timed out";
    const message = `--exec ${JSON.stringify(exec)} did not finish within ${timeout} and is being stopped`;
    context.report({ type: "warning", message, hint: "give it more time with a longer --timeout" });
  }
  const missing = ending.program === ExitCode.ok ? plan.tally.missing() : [];
  if (missing.length === 0 || signal.aborted || over.signal.aborted) return;
  // Zoho posts seconds after the change that the program has made.
  const limit = timeout ?? EXPECT_TIMEOUT;
  const message = `the program of --exec has ended; waiting for ${missing.join(", ")} (--timeout ${limit})`;
  context.report({ type: "notice", message });
  const elapsedMs = timeout === undefined ? 0 : performance.now() - readyAt;
  await firstOf([signal, over.signal], Math.max(0, parseRunTime(limit, "--timeout") - elapsedMs));
}

async function exitCodeOf({ plan, parts, ending }: Run): Promise<ExitCode | number> {
  if (ending.lost !== undefined) throw ending.lost;
  const ofRegistered = parts.registered?.exitCode() ?? ExitCode.ok;
  const ofProgram = (await parts.exec?.ended) ?? ExitCode.ok;
  // Report a lost channel first, then what is missing: one that is left over matters less.
  if (ofRegistered === ExitCode.connectionLost) return ofRegistered;
  if (ofProgram !== ExitCode.ok && ending.program !== "timed out") return ofProgram;
  if (plan.tally.missing().length > 0 || ending.program === "timed out") return ExitCode.expectation;
  if (ofRegistered !== ExitCode.ok) return ofRegistered;
  return ending.drains && parts.forwarding?.hasFailed() ? ExitCode.targetFailed : ExitCode.ok;
}

/** Silence for longer than this looks as if `listen` hung. */
const NOTICE_AFTER_MS = 500;

/** Stops the parts, last started first: nothing more comes in, then what came is answered, forwarded and stored. */
export async function stopParts(
  context: Pick<ListenContext, "report">,
  parts: readonly Part[],
  drainUntil: AbortSignal | undefined,
): Promise<void> {
  const message =
    "stopping: finishing work in progress takes a few seconds at most; press Ctrl-C again to stop at once";
  const notice = setTimeout(() => context.report({ type: "notice", message }), NOTICE_AFTER_MS);
  for (const part of parts.toReversed()) {
    try {
      await part.stop(drainUntil);
    } catch (error) {
      // The others still have to stop, and the run's own error must not be replaced.
      context.report({ type: "warning", message: `${part.name} did not stop cleanly: ${errorText(error)}` });
    }
  }
  clearTimeout(notice);
}
