import { loadConfig } from "../../config/load.ts";
import type { Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { ExitCode, type UserError } from "../../core/errors.ts";
import { eventPatterns } from "../../core/event-pattern.ts";
import { createProbeKey } from "../../core/probe-key.ts";
import { parseDuration } from "../../core/units.ts";
import { products } from "../../products/index.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../../receiver/address-list.ts";
import { type Receiver, startReceiver } from "../../receiver/receiver.ts";
import { webhookUrl } from "../../receiver/route.ts";
import { createTally, parseExpectation } from "../../receiver/tally.ts";
import type { Define } from "../command.ts";
import { givenSecrets } from "../options.ts";
import { type Exec, type ExecUrls, startExec } from "./exec.ts";
import { addListenFlags, flagSettings, type ListenOptions } from "./flags.ts";
import { openKeeping } from "./keeping.ts";
import { readyNotes, readyReport } from "./ready.ts";
import { chooseRunTunnel, openRunTunnel, type RunTunnel } from "./tunnel.ts";

export const define: Define = (command, act) => {
  addListenFlags(command);
  command.addHelpText("after", HELP).action(act(listen));
};

const HELP = `
Post to /webhooks/zoho/<product>, or to /webhooks/zoho to let the body tell the product.
Secrets are read from ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (with _CRM, _DESK … behind it for one product only).
Every delivery is kept in the event log before it is answered: see zoho-hooks events.

Examples:
  $ zoho-hooks listen
  $ zoho-hooks listen --forward-to 3000
  $ zoho-hooks listen --forward-to 3000 --tunnel ngrok
  $ zoho-hooks listen --port 0 --json | jq .event
  $ zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s
  $ zoho-hooks listen --port 0 --forward-to 3000 --exec 'npm test'
`;

async function listen(context: Context, options: ListenOptions): Promise<ExitCode | number> {
  const config = loadConfig(context, { flags: flagSettings(options), secrets: await givenSecrets(context, options) });
  const { settings, secrets } = config;
  const shown = eventPatterns(settings.events);
  const tally = createTally((options.expect ?? []).map(parseExpectation));
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, "--timeout");
  const allowed = allowedAddresses(settings);
  const choice = await chooseRunTunnel(context, config);
  const probeKey = createProbeKey();
  const run = new AbortController();
  let lost: UserError | undefined;
  let tunnel: RunTunnel | undefined;
  let receiver: Receiver | undefined;
  let exec: Exec | undefined;
  let timedOut = false;
  await context.sparesMemory();
  const startedAt = context.now();
  const keeping = await openKeeping(context, config, shown);
  try {
    receiver = await startReceiver({
      host: settings.host,
      port: settings.port,
      maxBody: settings.maxBody,
      products,
      secrets,
      policy: { schema: settings.schema, onInvalid: settings.onInvalid },
      allowed,
      ledger: keeping.ledger,
      pid: context.pid,
      probeKey,
      publicUrl: () => tunnel?.url() ?? settings.publicUrl,
      now: context.now,
      onEvent(event) {
        context.report({ ...event, shown: shown.matches(event.receipt.product, event.receipt.event) });
        tally.add(event);
        // A program that was asked for decides when it is over.
        if (tally.complete() && options.exec === undefined) run.abort();
      },
      onTrouble: (message) => context.report({ type: "warning", message }),
    });
    tunnel = await openRunTunnel(context, config, {
      choice,
      receiver,
      probeKey,
      onLost(error) {
        lost = error;
        run.abort();
      },
    });
    await keeping.start(tunnel.url() ?? receiver.url);
    context.report(
      readyReport(context, config, receiver, tunnel, [
        ...readyNotes(secrets, allowed, settings),
        ...keeping.notes,
        ...tunnel.notes,
      ]),
    );
    receiver.ready();
    exec = options.exec === undefined ? undefined : await startExec(context, options.exec, execUrls(receiver, tunnel));
    exec?.ended.then(
      () => run.abort(),
      () => run.abort(),
    );
    timedOut = (await firstOf([context.signal, run.signal], timeoutMs)) === "time";
  } finally {
    await exec?.stop();
    await tunnel?.close();
    const hurry = setTimeout(() => keeping.hurry(), HURRY_AFTER_MS);
    await receiver?.close();
    clearTimeout(hurry);
    await keeping.close();
  }
  const summary = tally.summary((context.now().getTime() - startedAt.getTime()) / 1000);
  context.report({ ...summary, forwards: keeping.forwards(), tunnelDownMs: tunnel.downMs() });
  if (lost !== undefined) throw lost;
  const missing = summary.expectations.some(({ wanted, came }) => came < wanted);
  if (exec === undefined) return missing ? ExitCode.expectation : ExitCode.ok;
  const exitCode = await exec.ended;
  return timedOut || (exitCode === 0 && missing) ? ExitCode.expectation : exitCode;
}

function execUrls(receiver: Receiver, tunnel: RunTunnel): ExecUrls {
  return {
    url: receiver.url,
    publicUrl: tunnel.url(),
    products: Object.fromEntries(products.map(({ id }) => [id, webhookUrl(receiver.url, id)])),
  };
}

function allowedAddresses({ allowIp, allowZohoIps }: Settings): AddressList | undefined {
  const ranges = [...allowIp, ...(allowZohoIps ? GUIDE_RANGES : [])];
  return ranges.length === 0 ? undefined : addressList(ranges);
}

/** Before the receiver closes what is still open, so that who waits for an answer gets one. */
const HURRY_AFTER_MS = 1500;

/** A timer of Node's that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves when one of the signals aborts or the time is up, with which of them it was. */
function firstOf(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<"signal" | "time"> {
  return new Promise((resolve) => {
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => resolve("time"), Math.min(timeoutMs, LONGEST_TIMER_MS));
    const done = (): void => {
      clearTimeout(timer);
      resolve("signal");
    };
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener("abort", done, { once: true });
    }
  });
}
