import { loadConfig, userFolder } from "../../config/load.ts";
import type { Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { eventPatterns } from "../../core/event-names.ts";
import { createProbeKey } from "../../core/probe-key.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../../receiver/evaluate.ts";
import { type Receiver, startReceiver } from "../../receiver/receiver.ts";
import { KEY_SET_PATH } from "../../receiver/routes.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, errorText, UserError } from "../../util/errors.ts";
import { setLongTimeout } from "../../util/timing.ts";
import { parseRunTime } from "../../util/units.ts";
import { withChannelTokens } from "../../zoho/channels/tokens.ts";
import type { Define } from "../command.ts";
import { explainCommand } from "../events/list.ts";
import { localKeySet, openPublicKeys } from "../helpers/keys.ts";
import { reportHintsOnce } from "../helpers/notices.ts";
import { givenSecrets } from "../helpers/options.ts";
import { configuredProducts, warnOfMistypedModules, warnOfUnknownVariables } from "../helpers/products.ts";
import { openDrift } from "./drift.ts";
import { type Exec, execUrls, refuseEmptyExec, reportTimeout, startExec } from "./exec.ts";
import {
  addListenFlags,
  channelPatterns,
  flagSettings,
  type ListenOptions,
  namedEvents,
  warnOfUnknownEvents,
} from "./flags.ts";
import { type Notifications, openNotifications, outcome } from "./notifications.ts";
import { openPersistence, type Persistence } from "./persistence.ts";
import { handOut, readyNotes, readyReport } from "./ready.ts";
import { openReporting } from "./reporting.ts";
import { createTally, parseExpectation } from "./tally.ts";
import { chooseRunTunnel, openRunTunnel, type RunTunnel } from "./tunnel.ts";

export const define: Define = (command, act) => {
  addListenFlags(command);
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks listen",
        "zoho-hooks listen --forward-to 3000",
        "zoho-hooks listen --forward-to 3000 --tunnel ngrok",
        "zoho-hooks listen --port 0 --json | jq .event",
        "zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s",
        "zoho-hooks listen --port 0 --forward-to 3000 --exec 'npm test'",
        "zoho-hooks listen --channel Leads.create,Deals.all --expand",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(listen));
};

const HELP = `
Have webhooks posted to /webhooks/zoho/<product>, or to /webhooks/zoho, where the body decides which product it is.
Signatures and tokens are checked with ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_SECRET_DESK and the
like, for one product only). SalesIQ and Cliq need ZOHO_WEBHOOK_PUBLIC_KEY: the key, or the name of a file with it. Mail
sends its secret when you set up its webhook: listen keeps it and uses it from then on. If you set the webhook up
earlier, set ZOHO_WEBHOOK_HOOK_SECRET instead.
Every delivery is saved in the event log before it is answered: see zoho-hooks events. Node has the database for it from
22.13 on; with an older one, install better-sqlite3@12 for the log and for --forward-to.

--channel creates a notification channel in Zoho CRM for the public URL, renews it while listen runs, and deletes it at
the end. Sign in first with zoho-hooks login. The exit code is 9 if the channel is lost then, and 7 if it cannot be deleted.
`;

async function listen(given: Context, options: ListenOptions): Promise<ExitCode | number> {
  const { context, leftOut } = openReporting(given, options);
  // From here on Ctrl-C is an orderly end: what has been opened so far is closed, whenever it comes.
  const { signal } = context;
  const config = loadConfig(context, { flags: flagSettings(options), secrets: await givenSecrets(context, options) });
  const { settings } = config;
  const expected = (options.expect ?? []).map(parseExpectation);
  refuseEmptyExec(options.exec);
  const products = await configuredProducts(config);
  const unknownNames = warnOfUnknownVariables(context, config, products);
  const shown = eventPatterns(settings.events);
  const named = namedEvents(config, options);
  warnOfUnknownEvents(context, products, named);
  warnOfMistypedModules(context, products, [...named.map(({ text }) => text), ...channelPatterns(options)]);
  const drift = openDrift(context, config, products, options);
  const tally = createTally(expected);
  const timeoutMs = options.timeout === undefined ? undefined : parseRunTime(options.timeout, "--timeout");
  const allowed = allowedAddresses(settings);
  const keySet = options.serveJwks === true ? localKeySet(config.secrets, products) : undefined;
  const choice = await chooseRunTunnel(context, config);
  const probeKey = createProbeKey();
  const run = new AbortController();
  let lost: unknown;
  const end = (error: unknown): void => {
    lost ??= error;
    run.abort();
  };
  let tunnel: RunTunnel | undefined;
  let receiver: Receiver | undefined;
  let exec: Exec | undefined;
  let timedOut = false;
  let programEnded = false;
  let drains = false;
  context.neverWaitForTerminal();
  const keys = await openPublicKeys(context, config, products);
  const notifications = await openNotifications(context, {
    options,
    products,
    secrets: withChannelTokens(keys.secrets, userFolder(context)),
    choice,
    onLost: end,
  });
  const startedAt = performance.now();
  const tellHint = reportHintsOnce(context, products, { below: true });
  const keeping = await openPersistence(context, config, shown, products);
  try {
    receiver = await startReceiver({
      host: settings.host,
      port: settings.port,
      maxBody: settings.maxBody,
      products,
      secrets: notifications.secrets,
      renewKeys: keys.renew,
      policy: { schema: settings.schema, onInvalid: settings.onInvalid },
      limits: { toleranceMs: settings.tolerance, setting: "--tolerance" },
      allowed,
      recorder: keeping.ledger,
      pid: context.pid,
      probeKey,
      keySet,
      publicHost: settings.publicUrl === undefined ? undefined : new URL(settings.publicUrl).host,
      now: context.now,
      isShown: shown.matches,
      showSecrets: options.showSecrets,
      onEvent(event) {
        const why = explainCommand(context, config, event.n, event.receipt.verdicts);
        context.report(why === undefined ? event : { ...event, explainCommand: why });
        if (event.shown) drift.see(event);
        tellHint(event.receipt, event.status);
        notifications.expand(event);
        tally.add(event);
        // A program that was asked for decides when it is over.
        if (tally.complete() && options.exec === undefined) run.abort();
      },
      keepSecret(product, offered) {
        const file = config.storeSecret(product, offered);
        context.report({ type: "notice", message: `${product} sent its secret: saved in ${file}` });
      },
      onTrouble: (message, hint) =>
        context.report({ type: "warning", message, ...(hint === undefined ? {} : { hint }) }),
    });
    tunnel = await openRunTunnel(context, config, {
      choice,
      receiver,
      probeKey,
      onMoved(url) {
        notifications.moved(url);
        keeping.moved(url);
      },
      onLost: end,
    });
    await notifications.start(tunnel.url());
    await keeping.start(tunnel.url() ?? receiver.url);
    const keySetUrl = keySet === undefined ? undefined : `${receiver.url}${KEY_SET_PATH}`;
    const notes = [
      ...readyNotes(notifications.secrets, unknownNames, allowed, settings, products),
      ...keeping.notes,
      ...tunnel.notes,
    ];
    const ready = readyReport(context, { config, products, receiver, tunnel, notifications, keySetUrl, notes });
    // A program that is run beside it is what tries it.
    context.report(options.exec === undefined ? ready : { ...ready, tryCommand: undefined });
    receiver.ready();
    await handOut(context, ready, options);
    exec =
      options.exec === undefined
        ? undefined
        : await startExec(context, options.exec, execUrls(receiver.url, tunnel.url(), products, keySetUrl));
    exec?.ended.then(
      () => {
        programEnded = true;
        run.abort();
      },
      () => run.abort(),
    );
    timedOut = (await firstOf([signal, run.signal], timeoutMs)) === "time";
    if (timedOut) reportTimeout(context, options);
  } catch (error) {
    // Ctrl-C while it was starting: what broke off for it is no fault.
    if (!signal.aborted || error instanceof UserError) throw error;
  } finally {
    // Who waits for events, or posts them, and has an app for them wants it to have them; who presses Ctrl-C wants an end.
    drains = (tally.complete() || programEnded) && !signal.aborted;
    const parts = { exec, notifications, tunnel, receiver, keeping };
    await endRun(context, parts, drains ? signal : undefined);
  }
  drift.tell();
  const summary = tally.summary((performance.now() - startedAt) / 1000);
  context.report({
    ...summary,
    forwards: keeping.forwards(),
    tunnelDownMs: tunnel?.downMs(),
    leftOut: leftOut(),
  });
  const isMissing = summary.expectations.some(({ wanted, came }) => came < wanted);
  const exitCode = outcome(lost, notifications.exitCode(), isMissing || (exec !== undefined && timedOut));
  const ofProgram = (await exec?.ended) ?? ExitCode.ok;
  if (ofProgram !== ExitCode.ok && exitCode !== ExitCode.connectionLost && !timedOut) return ofProgram;
  return exitCode === ExitCode.ok && drains && keeping.hasLost() ? ExitCode.targetFailed : exitCode;
}

function allowedAddresses({ allowIp, allowZohoIps }: Settings): AddressList | undefined {
  const ranges = [...allowIp, ...(allowZohoIps ? GUIDE_RANGES : [])];
  return ranges.length === 0 ? undefined : addressList(ranges);
}

/** Resolves when one of the signals aborts or the time is up, with which of them it was. */
function firstOf(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<"signal" | "time"> {
  return new Promise((resolve) => {
    const stopWaiting = timeoutMs === undefined ? undefined : setLongTimeout(timeoutMs, () => resolve("time"));
    const done = (): void => {
      stopWaiting?.();
      resolve("signal");
    };
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener("abort", done, { once: true });
    }
  });
}

/** Before the receiver closes what is still open, so that who waits for an answer gets one. */
const HURRY_AFTER_MS = 1500;
/** Longer than this nobody likes to look at a terminal that says nothing. */
const TELL_AFTER_MS = 500;

interface RunParts {
  readonly exec: Exec | undefined;
  readonly notifications: Notifications;
  readonly tunnel: RunTunnel | undefined;
  readonly receiver: Receiver | undefined;
  readonly keeping: Persistence;
}

/** From the outside in: nothing more comes, then what has come is answered, then it is put away. */
async function endRun(
  context: Pick<Context, "report">,
  { exec, notifications, tunnel, receiver, keeping }: RunParts,
  drainUntil: AbortSignal | undefined,
): Promise<void> {
  const message =
    "stopping: finishing what is under way takes a few seconds at most; press Ctrl-C again to stop at once";
  const telling = setTimeout(() => context.report({ type: "notice", message }), TELL_AFTER_MS);
  // Each is done whatever became of the one before, and none takes the place of what the run itself has come to.
  const end = async (what: string, work: () => Promise<void> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      context.report({ type: "warning", message: `${what} did not end properly: ${errorText(error)}` });
    }
  };
  await end("the program of --exec", () => exec?.stop());
  await end("the channel", () => notifications.stop());
  await end("the tunnel", () => tunnel?.close());
  const hurry = setTimeout(() => keeping.hurry(), HURRY_AFTER_MS);
  await end("the receiver", () => receiver?.close());
  clearTimeout(hurry);
  await end("the connection to Zoho", () => notifications.close());
  await end("forwarding", () => keeping.close(drainUntil));
  clearTimeout(telling);
}
