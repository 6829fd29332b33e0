import { type Config, loadConfig } from "../../config/load.ts";
import type { Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { eventPatterns } from "../../core/event-pattern.ts";
import { parseDuration } from "../../core/units.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../../receiver/address-list.ts";
import { type Receiver, startReceiver } from "../../receiver/receiver.ts";
import { webhookUrl } from "../../receiver/route.ts";
import { createTally, parseExpectation } from "../../receiver/tally.ts";
import type { Define } from "../command.ts";
import { configuredProducts, secretsWithKeys } from "../configured-products.ts";
import { givenSecrets } from "../options.ts";
import { addListenFlags, flagSettings, type ListenOptions } from "./flags.ts";
import { openKeeping } from "./keeping.ts";
import { readyNotes } from "./notes.ts";

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
  $ zoho-hooks listen --port 0 --json | jq .event
  $ zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s
`;

async function listen(context: Context, options: ListenOptions): Promise<ExitCode> {
  const config = loadConfig(context, { flags: flagSettings(options), secrets: await givenSecrets(context, options) });
  const { settings } = config;
  const products = configuredProducts(config);
  const secrets = await secretsWithKeys(context, config, products);
  const shown = eventPatterns(settings.events);
  const tally = createTally((options.expect ?? []).map(parseExpectation));
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, "--timeout");
  const allowed = allowedAddresses(settings);
  const configured = Object.keys(settings.products).map((id) => id.toLowerCase());

  const ended = new AbortController();
  const startedAt = context.now();
  const keeping = await openKeeping(context, config, shown);
  let receiver: Receiver | undefined;
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
      now: context.now,
      onEvent(event) {
        context.report({ ...event, shown: shown.matches(event.receipt.product, event.receipt.event) });
        tally.add(event);
        if (tally.complete()) ended.abort();
      },
      onTrouble: (message) => context.report({ type: "warning", message }),
    });
    await keeping.start(receiver.url);
    const ids = configured.length > 0 ? configured : products.map((product) => product.id);
    context.report({
      type: "ready",
      url: receiver.url,
      publicUrl: undefined,
      urls: Object.fromEntries(ids.map((id) => [id, webhookUrl(receiver?.url ?? "", id)])),
      tryCommand: tryCommand(context, config, receiver, configured[0] ?? "crm"),
      notes: [...readyNotes(secrets, allowed, settings), ...keeping.notes],
    });
    receiver.ready();
    await firstOf([context.signal, ended.signal], timeoutMs);
  } finally {
    await receiver?.close();
    await keeping.close();
  }
  const summary = tally.summary((context.now().getTime() - startedAt.getTime()) / 1000);
  context.report({ ...summary, forwards: keeping.forwards(), tunnelDownMs: undefined });
  const missing = summary.expectations.some(({ wanted, came }) => came < wanted);
  return missing ? ExitCode.expectation : ExitCode.ok;
}

function allowedAddresses({ allowIp, allowZohoIps }: Settings): AddressList | undefined {
  const ranges = [...allowIp, ...(allowZohoIps ? GUIDE_RANGES : [])];
  return ranges.length === 0 ? undefined : addressList(ranges);
}

/** `send` finds a receiver on the configured port by itself. */
function tryCommand(context: Context, { settings }: Config, receiver: Receiver, product: string): string {
  const sample = product === "crm" ? "crm Leads.create" : `${product} --all`;
  const isFound = settings.port === receiver.port && settings.port === 4460;
  return `${context.invocation} send ${sample}${isFound ? "" : ` --to ${receiver.port}`}`;
}

/** A timer of Node's that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves when one of the signals aborts or the time is up. */
function firstOf(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = timeoutMs === undefined ? undefined : setTimeout(done, Math.min(timeoutMs, LONGEST_TIMER_MS));
    function done(): void {
      clearTimeout(timer);
      resolve();
    }
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener("abort", done, { once: true });
    }
  });
}
