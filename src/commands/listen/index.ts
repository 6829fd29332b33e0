import { orphanNotes, reportOldUrls } from "../../channels/orphaned-channels.ts";
import { withChannelTokens } from "../../channels/tokens.ts";
import type { Verdict } from "../../contract/product.ts";
import { explainCommand } from "../../events/list.ts";
import { recordAndForward, recordForOthers } from "../../forward/record-and-forward.ts";
import { type AdminPart, startAdmin } from "../../listener/admin.ts";
import { boundOutput } from "../../listener/bounded-output.ts";
import type { ZohoPart } from "../../listener/channel.ts";
import { type ExecPart, startExec } from "../../listener/exec.ts";
import { type ForwardingPart, startForwarding, waitingNotes } from "../../listener/forwarding.ts";
import { startGapWatch } from "../../listener/gaps.ts";
import { keptBytes, type LogPart, startLog, startPruning } from "../../listener/log.ts";
import type { ListenOptions } from "../../listener/options.ts";
import { type ChannelPart, type Part, stopParts } from "../../listener/part.ts";
import { EXPECT_TIMEOUT, type Plan, readPlan } from "../../listener/plan.ts";
import { deliveringReport, guideRangesNote, readyReport, warnIfOpen } from "../../listener/ready.ts";
import { type ReceiverPart, startReceiverPart } from "../../listener/receiver.ts";
import { type SharedSecretsPart, shareSecrets } from "../../listener/shared-secrets.ts";
import { startTunnel, type TunnelPart } from "../../listener/tunnel.ts";
import type { Context } from "../../project/context.ts";
import { userFolder } from "../../project/load.ts";
import { STORE_KEY } from "../../project/variables.ts";
import type { EventReport } from "../../receiver/event-report.ts";
import { reportHintsOnce } from "../../receiver/notices.ts";
import { memoryRecorder, type Recorder } from "../../receiver/recorder.ts";
import { KEY_SET_PATH } from "../../receiver/routes.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { createProbeKey } from "../../util/probe-key.ts";
import { firstOf, onAbort } from "../../util/timing.ts";
import { parseRunTime } from "../../util/units.ts";
import { openKeySets } from "../../zoho-api/key-sets.ts";
import type { Define } from "../command.ts";
import { addListenFlags, takesKeys } from "./flags.ts";
import { createInspectorPart, type InspectorPart } from "./inspector.ts";
import type { createKeys } from "./keys/index.ts";

export const define: Define = (command, act) => {
  addListenFlags(command);
  command.addHelpText("before", EXAMPLES).addHelpText("after", HELP).action(act(listen));
};

const EXAMPLES = `Examples:
  $ zoho-hooks listen
  $ zoho-hooks listen 3000                           forward to your app on port 3000
  $ zoho-hooks listen 3000 --tunnel ngrok            with a public URL
  $ zoho-hooks listen 3000 --exec 'npm test'
  $ zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s
  $ zoho-hooks listen --channel Leads.create,Deals.all --expand
  $ zoho-hooks listen --json | jq .event
`;

const HELP = `
Point webhooks to /webhooks/zoho/<product>, or to /webhooks/zoho to have the product recognised from the body.
Signatures and tokens are checked with ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_SECRET_DESK and the
like, for one product only). SalesIQ and Cliq need ZOHO_WEBHOOK_PUBLIC_KEY: the key, or the name of a file with it. Mail
sends its secret when you set up its webhook: listen keeps it and uses it from then on. If you set the webhook up
earlier, set ZOHO_WEBHOOK_HOOK_SECRET instead.
Every delivery is saved in the event log before it is answered: see zoho-hooks events. The log needs Node 22.13 or later;
with an older one, install better-sqlite3@12, which --forward-to needs, too.

In a terminal, single keys look at events and replay them: press ? for the list. --no-keys turns them off.

--channel creates a notification channel in Zoho CRM for the public URL, renews it while listen runs, and deletes it at
the end. One that an earlier listen of the project left behind is taken over. Sign in first with zoho-hooks login. The exit
code is 9 if the channel was lost, and 7 if it could not be deleted.`;

async function listen(given: Context, target: string | undefined, options: ListenOptions): Promise<ExitCode | number> {
  const { context: bounded, leftOut } = boundOutput(given, options);
  // Loaded only where somebody can press them.
  const keyboard = takesKeys(given, options) ? (await import("./keys/index.ts")).createKeys(bounded) : undefined;
  const context = keyboard?.context ?? bounded;
  // From here on Ctrl-C ends the run in order: whatever is open by then is closed.
  const { signal } = context;
  const plan = await readPlan(context, target, options);
  const { tally, drift } = plan;
  context.neverWaitForTerminal();
  const parts: Parts = {};
  const over = new AbortController();
  let lost: unknown;
  let programTimedOut = false;
  const programEnd = new AbortController();
  let programCode: number | undefined;
  let drains = false;
  const startedAt = performance.now();
  try {
    await startParts(context, plan, parts, {
      end() {
        // The program of --exec decides itself when it is done.
        if (options.exec === undefined || programCode !== undefined) over.abort();
      },
      onLost(error) {
        lost ??= error;
        over.abort();
      },
      keyboard,
    });
    parts.exec?.ended
      .then((code) => {
        programCode = code;
      })
      .catch(() => {})
      .finally(() => programEnd.abort());
    const readyAt = performance.now();
    const timedOut = (await firstOf([signal, over.signal, programEnd.signal], plan.timeoutMs)) === "timeout";
    programTimedOut = timedOut && options.exec !== undefined;
    if (programTimedOut) {
      const message = `--exec ${JSON.stringify(options.exec)} did not finish within ${options.timeout} and is being stopped`;
      context.report({ type: "warning", message, hint: "give it more time with a longer --timeout" });
    }
    const missing = programCode === ExitCode.ok ? tally.missing() : [];
    if (missing.length > 0 && !signal.aborted && !over.signal.aborted) {
      // Zoho posts seconds after the change that the program has made.
      const limit = options.timeout ?? EXPECT_TIMEOUT;
      const message = `the program of --exec has ended; waiting for ${missing.join(", ")} (--timeout ${limit})`;
      context.report({ type: "notice", message });
      const elapsedMs = options.timeout === undefined ? 0 : performance.now() - readyAt;
      await firstOf([signal, over.signal], Math.max(0, parseRunTime(limit, "--timeout") - elapsedMs));
    }
  } catch (error) {
    // Ctrl-C during the start: what it interrupts is not a failure.
    if (!signal.aborted || error instanceof UserError) throw error;
  } finally {
    // A run that has reached its goal still forwards what it accepted; after Ctrl-C it ends without.
    drains = (tally.isComplete() || programCode !== undefined) && !signal.aborted;
    await stopParts(context, listed(parts), drains ? signal : undefined);
  }
  drift?.report();
  const counts = tally.counts();
  context.report({
    type: "summary",
    role: plan.role,
    ...counts,
    seconds: (performance.now() - startedAt) / 1000,
    forwards: parts.forwarding?.counts(),
    tunnelDownMs: parts.tunnel?.downMs(),
    leftOut: await leftOut(),
  });

  if (lost !== undefined) throw lost;
  const ofChannel = parts.channel?.exitCode() ?? ExitCode.ok;
  const ofProgram = (await parts.exec?.ended) ?? ExitCode.ok;
  // A lost channel explains what is missing, and what is missing matters more than a channel that is left over.
  if (ofChannel === ExitCode.connectionLost) return ofChannel;
  if (ofProgram !== ExitCode.ok && !programTimedOut) return ofProgram;
  if (tally.missing().length > 0) return ExitCode.expectation;
  if (programTimedOut) return ExitCode.expectation;
  if (ofChannel !== ExitCode.ok) return ofChannel;
  return drains && parts.forwarding?.hasLost() === true ? ExitCode.targetFailed : ExitCode.ok;
}

/** The parts of a run, in the order in which they start. One that is not wanted, or not reached, is not set. */
interface Parts {
  admin?: AdminPart;
  zoho?: ZohoPart;
  log?: LogPart;
  inspector?: InspectorPart;
  shared?: SharedSecretsPart;
  forwarding?: ForwardingPart;
  receiver?: ReceiverPart;
  tunnel?: TunnelPart;
  channel?: ChannelPart;
  pruning?: Part;
  gaps?: Part;
  exec?: ExecPart;
  keys?: Part;
}

interface RunSurroundings {
  /** Every expected event has arrived. */
  end(): void;
  /** The tunnel or the channel is lost for good. */
  onLost(error: unknown): void;
  /** Undefined where no keys are taken. */
  readonly keyboard: ReturnType<typeof createKeys> | undefined;
}

async function startParts(
  context: Context,
  plan: Plan,
  parts: Parts,
  { end, onLost, keyboard }: RunSurroundings,
): Promise<void> {
  const { options, config, products, keySet, choice } = plan;
  if (options.admin !== undefined) parts.admin = await startAdmin(context, options.admin);
  if (plan.role === "deliver") return startDelivering(context, plan, parts);
  const probeKey = createProbeKey(
    plan.isShared ? `${config.settings.store} ${context.env[STORE_KEY] ?? ""}` : undefined,
  );
  const keys = await openKeySets(context, config, products);
  let secrets = withChannelTokens(keys.secrets, { folder: userFolder(context), known: context.knownSecrets });
  if (plan.usesZoho) {
    // Loaded only here: most runs need nothing of Zoho's API.
    const { startZoho } = await import("../../listener/channel.ts");
    const configured = config.secrets;
    parts.zoho = await startZoho(context, { options, products, secrets, configured, isShared: plan.isShared, onLost });
    secrets = parts.zoho.secrets;
  }
  const log = await openLogPart(context, plan, parts);
  const shared = log && (await shareSecrets(context, log.log));
  if (shared !== undefined) parts.shared = shared;
  secrets = shared?.with(secrets) ?? secrets;
  parts.inspector = createInspectorPart(context, plan);
  const inspecting = options.ui === true ? parts.inspector.start() : undefined;
  const waiting = await startForwardingPart(context, plan, parts);
  parts.receiver = await startReceiverPart(context, plan, {
    secrets,
    renewKeys: keys.renew,
    recorder: recorderOf(plan, parts),
    probeKey,
    onEvent: eventHandler(context, plan, parts, end),
    onClosing: () => parts.forwarding?.abortMirrored(),
    shared,
    whyNotReady: log?.whyNotReady,
  });
  const { receiver } = parts;
  onAbort(context.signal, receiver.drain);
  if (choice.kind !== "none") {
    parts.tunnel = await startTunnel(context, config, {
      choice,
      receiver,
      probeKey,
      isShared: plan.isShared,
      channelId: () => parts.channel?.state()?.id,
      onMoved(url, previousUrl) {
        for (const part of listed(parts)) part.onMoved?.(url);
        void reportOldUrls(context, { url, previousUrl, movedId: parts.channel?.state()?.id });
      },
      onLost,
    });
  }
  const publicUrl = parts.tunnel?.url();
  // Before the channel: receivers of one URL share it.
  await log?.setUrl(receiver.url, publicUrl);
  if (publicUrl !== undefined && parts.zoho?.startChannel !== undefined)
    parts.channel = await parts.zoho.startChannel(publicUrl, log && shared && { log: log.log, shared });
  if (log !== undefined) parts.pruning = startPruning(context, log);
  parts.gaps = startGapWatch(context);

  const keySetUrl = keySet === undefined ? undefined : `${receiver.url}${KEY_SET_PATH}`;
  const orphans = await orphanNotes(context);
  const important = [plan.timeoutNote ?? [], waiting?.resumed ?? [], waiting?.stranded ?? [], orphans].flat();
  const ready = readyReport(context, plan, {
    secrets,
    receiver,
    publicUrl,
    channel: parts.channel?.state(),
    keySetUrl,
    takesKeys: keyboard !== undefined,
    inspectorUrl: await inspecting,
    metricsUrl: parts.admin?.metricsUrl,
    notes: [
      ...(log === undefined ? ["Nothing is saved: there is no event log."] : []),
      ...listed(parts).flatMap(({ notes = [] }) => notes),
      ...important,
    ],
  });
  warnIfOpen(context, config.settings, ready);
  // With -v they are among the notes.
  if (!context.verbose) for (const message of important) context.report({ type: "notice", message });
  context.report(ready);
  await parts.forwarding?.resume();
  receiver.ready();
  parts.admin?.ready(context.signal, log);
  if (options.exec !== undefined)
    parts.exec = await startExec(context, options.exec, { url: receiver.url, publicUrl, keySetUrl, products });
  if (keyboard !== undefined)
    parts.keys = await keyboard.start({
      plan,
      log: log?.log,
      url: receiver.url,
      publicUrl: () => parts.tunnel?.url(),
      channelLeftMs: () => parts.channel?.state()?.timeLeftMs,
      openInspector: parts.inspector.start,
    });
}

function listed(parts: Parts): readonly Part[] {
  return Object.values(parts);
}

async function openLogPart(context: Context, plan: Plan, parts: Parts): Promise<LogPart | undefined> {
  const log = await startLog(context, plan);
  if (log === undefined) return undefined;
  parts.log = parts.admin === undefined ? log : { ...log, log: parts.admin.watch(log.log) };
  return parts.log;
}

/** Resolves to what is said about deliveries of earlier runs, where this one sends any. */
async function startForwardingPart(context: Context, plan: Plan, parts: Parts) {
  const { config, products, role, routes, options } = plan;
  if (parts.log === undefined || role === "receive") return undefined;
  const { log } = parts.log;
  const waiting = await waitingNotes(log, routes);
  const showSecrets = options.showSecrets === true;
  if (!routes.empty) parts.forwarding = await startForwarding(context, { config, products, log, routes, showSecrets });
  return waiting;
}

/** `--role deliver`: from the log to the app, without a receiver. */
async function startDelivering(context: Context, plan: Plan, parts: Parts): Promise<void> {
  const log = await openLogPart(context, plan, parts);
  if (log === undefined) throw new Error("the log of --role deliver is a shared one");
  parts.inspector = createInspectorPart(context, plan);
  const inspectorUrl = plan.options.ui === true ? await parts.inspector.start() : undefined;
  const waiting = await startForwardingPart(context, plan, parts);
  parts.pruning = startPruning(context, log);
  const important = [waiting?.resumed ?? [], waiting?.stranded ?? []].flat();
  const notes = [...listed(parts).flatMap((part) => part.notes ?? []), ...important];
  if (!context.verbose) for (const message of important) context.report({ type: "notice", message });
  context.report(
    deliveringReport(plan, { path: log.log.path, inspectorUrl, metricsUrl: parts.admin?.metricsUrl, notes }),
  );
  await parts.forwarding?.resume();
  parts.admin?.ready(context.signal, log);
}

function recorderOf({ config, role, routes }: Plan, { log, forwarding }: Parts): Recorder {
  if (forwarding !== undefined) return forwarding.recorder;
  if (log !== undefined && role === "receive")
    return recordForOthers(log.log, { routes, ordered: config.settings.ordered });
  return log === undefined ? memoryRecorder() : recordAndForward(log.log);
}

/** Shows an event and passes it to every part that uses it. */
function eventHandler(context: Context, plan: Plan, parts: Parts, end: () => void): (event: EventReport) => void {
  const { config, products, tally, drift } = plan;
  const reportHint = reportHintsOnce(context, products, { below: true });
  let rangesNote = guideRangesNote(plan.allowed);
  return (event) => {
    const isCut = keptBytes(event) < event.body.length;
    const why = isCut ? undefined : explainCommand(context, config, event.n, event.receipt.verdicts);
    context.report(why === undefined ? event : { ...event, explainCommand: why });
    if (event.shown) drift?.add(event);
    reportHint(event.receipt, event.status);
    if (rangesNote !== undefined && event.receipt.verdicts.some(isForeignAddress)) {
      context.report({ type: "notice", message: rangesNote, below: true });
      rangesNote = undefined;
    }
    for (const part of listed(parts)) part.onEvent?.(event);
    tally.add(event);
    if (tally.isComplete()) end();
  };
}

function isForeignAddress({ id, verdict }: Verdict): boolean {
  return id === "source-address" && verdict === "failed";
}
