import { loadConfig, userFolder } from "../../config/load.ts";
import type { Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { ExitCode, UserError } from "../../core/errors.ts";
import { eventPatterns } from "../../core/event-pattern.ts";
import { createProbeKey } from "../../core/probe-key.ts";
import { parseRunTime } from "../../core/units.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../../receiver/address-list.ts";
import { type Receiver, startReceiver } from "../../receiver/receiver.ts";
import { KEY_SET_PATH } from "../../receiver/route.ts";
import { withChannelTokens } from "../../zoho/channel-tokens.ts";
import type { Define } from "../command.ts";
import { configuredProducts } from "../configured-products.ts";
import { explainCommand } from "../explain-command.ts";
import { hintTeller } from "../hint-teller.ts";
import { localKeySet } from "../local-key-set.ts";
import { tellMistypedModules } from "../mistyped-modules.ts";
import { givenSecrets } from "../options.ts";
import { openPublicKeys } from "../public-keys.ts";
import { tellUnknownVariables } from "../unknown-variables.ts";
import { openDrift } from "./drift.ts";
import { endRun } from "./end-run.ts";
import { type Exec, execUrls, refuseEmptyExec, startExec, tellTimeIsUp } from "./exec.ts";
import { firstOf } from "./first-of.ts";
import { addListenFlags, channelPatterns, flagSettings, type ListenOptions, namedEvents } from "./flags.ts";
import { handOut } from "./hand-out.ts";
import { openKeeping } from "./keeping.ts";
import { openNotifications, outcome } from "./notifications.ts";
import { readyNotes, readyReport } from "./ready.ts";
import { openReporting } from "./reporting.ts";
import { createTally, parseExpectation } from "./tally.ts";
import { chooseRunTunnel, openRunTunnel, type RunTunnel } from "./tunnel.ts";
import { tellUnknownEvents } from "./unknown-events.ts";

export const define: Define = (command, act) => {
  addListenFlags(command);
  command.addHelpText("after", HELP).action(act(listen));
};

const HELP = `
Have webhooks posted to /webhooks/zoho/<product>, or to /webhooks/zoho, where the body decides which product it is.
Signatures and tokens are checked with ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_SECRET_DESK and the
like, for one product only). SalesIQ and Cliq need ZOHO_WEBHOOK_PUBLIC_KEY: the key, or the name of a file with it. Mail
sends its secret when you set up its webhook: listen keeps it and uses it from then on. If you set the webhook up
earlier, set ZOHO_WEBHOOK_HOOK_SECRET instead.
Every delivery is saved in the event log before it is answered: see zoho-hooks events. Node has the database for it from
22.13 on; with an older one, install better-sqlite3@12 for the log and for --forward-to.

Examples:
  $ zoho-hooks listen
  $ zoho-hooks listen --forward-to 3000
  $ zoho-hooks listen --forward-to 3000 --tunnel ngrok
  $ zoho-hooks listen --port 0 --json | jq .event
  $ zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s
  $ zoho-hooks listen --port 0 --forward-to 3000 --exec 'npm test'
  $ zoho-hooks listen --channel Leads.create,Deals.all --expand

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
  const unknownNames = tellUnknownVariables(context, config, products);
  const shown = eventPatterns(settings.events);
  const named = namedEvents(config, options);
  tellUnknownEvents(context, products, named);
  tellMistypedModules(context, products, [...named.map(({ text }) => text), ...channelPatterns(options)]);
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
  await context.sparesMemory();
  const keys = await openPublicKeys(context, config, products);
  const notifications = await openNotifications(context, {
    options,
    products,
    secrets: withChannelTokens(keys.secrets, userFolder(context)),
    choice,
    onLost: end,
  });
  const startedAt = performance.now();
  const tellHint = hintTeller(context, products, { below: true });
  const keeping = await openKeeping(context, config, shown, products);
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
      ledger: keeping.ledger,
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
        const file = config.keepSecret(product, offered);
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
    if (timedOut) tellTimeIsUp(context, options);
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
