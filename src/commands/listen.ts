import { loadConfig } from "../config/load.ts";
import { readers, type Settings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { ExitCode } from "../core/errors.ts";
import { eventPatterns } from "../core/event-pattern.ts";
import type { Secrets } from "../core/secret.ts";
import { parseDuration } from "../core/units.ts";
import { products } from "../products/index.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../receiver/address-list.ts";
import { memoryLedger } from "../receiver/ledger.ts";
import { type Receiver, startReceiver } from "../receiver/receiver.ts";
import { webhookUrl } from "../receiver/route.ts";
import { createTally, parseExpectation } from "../receiver/tally.ts";
import type { Define } from "./command.ts";
import { addSecretOptions, collect, givenSecrets, requireProduct, type SecretOptions } from "./options.ts";

interface ListenOptions extends SecretOptions {
  readonly port?: string;
  readonly host?: string;
  readonly maxBody?: string;
  readonly schema?: string;
  readonly onInvalid?: string;
  readonly events?: readonly string[];
  readonly allowIp?: readonly string[];
  readonly allowZohoIps?: boolean;
  readonly expect?: readonly string[];
  readonly timeout?: string;
}

export const define: Define = (command, act) => {
  addSecretOptions(command)
    .option("-p, --port <port>", "port to listen on, 0 for any free one (default: 4460)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--max-body <size>", "largest body to accept, such as 500kb or 1mib (default: 1mib)")
    .option(
      "--schema <mode>",
      "what to do with a body that does not fit its schema: warn, enforce or off (default: warn)",
    )
    .option("--on-invalid <mode>", "what to do when a proof fails: reject or warn (default: reject)")
    .option("-e, --events <pattern>", "show only these events, such as 'crm:Leads.*' (repeatable)", collect)
    .option("--allow-ip <range>", "accept only from this address or CIDR range (repeatable)", collect)
    .option("--allow-zoho-ips", "accept from the two ranges that the guide names; they are not all of Zoho's")
    .option(
      "--expect <event=count>",
      "end with 0 once these have come, such as crm:Leads.create=2 (repeatable)",
      collect,
    )
    .option("--timeout <time>", "stop after this time, such as 60s; with --expect: exit 8 when something is missing")
    .addHelpText("after", HELP)
    .action(act(listen));
};

const HELP = `
Post to /webhooks/zoho/<product>, or to /webhooks/zoho to let the body tell the product.
Secrets are read from ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (with _CRM, _DESK … behind it for one product only).

Examples:
  $ zoho-hooks listen
  $ zoho-hooks listen --port 0 --json | jq .event
  $ zoho-hooks listen --expect crm:Leads.create=2 --timeout 60s
`;

async function listen(context: Context, options: ListenOptions): Promise<ExitCode> {
  const { settings, secrets } = loadConfig(context, {
    flags: flagSettings(options),
    secrets: await givenSecrets(context, options),
  });
  const shown = eventPatterns(settings.events);
  const tally = createTally((options.expect ?? []).map(parseExpectation));
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, "--timeout");
  const allowed = allowedAddresses(settings);
  const configured = Object.keys(settings.products).map((id) => requireProduct(products, id).id);

  const ended = new AbortController();
  const startedAt = context.now();
  const receiver = await startReceiver({
    host: settings.host,
    port: settings.port,
    maxBody: settings.maxBody,
    products,
    secrets,
    policy: { schema: settings.schema, onInvalid: settings.onInvalid },
    allowed,
    ledger: memoryLedger(),
    now: context.now,
    onEvent(event) {
      context.report({ ...event, shown: shown.matches(event.receipt.product, event.receipt.event) });
      tally.add(event);
      if (tally.complete()) ended.abort();
    },
    onTrouble: (message) => context.report({ type: "warning", message }),
  });
  context.report({
    type: "ready",
    url: receiver.url,
    publicUrl: undefined,
    urls: urlsOf(receiver, configured.length > 0 ? configured : products.map((product) => product.id)),
    tryCommand: tryCommand(context, receiver, configured[0] ?? "crm"),
    notes: notesOn(secrets, allowed, settings),
  });
  receiver.ready();

  await firstOf([context.signal, ended.signal], timeoutMs);
  await receiver.close();
  const summary = tally.summary((context.now().getTime() - startedAt.getTime()) / 1000);
  context.report(summary);
  const missing = summary.expectations.some(({ wanted, came }) => came < wanted);
  return missing ? ExitCode.expectation : ExitCode.ok;
}

/** Flags as settings, read with the same rules as the environment and the config file. */
function flagSettings(options: ListenOptions): Partial<Settings> {
  const { port, host, maxBody, schema, onInvalid, events, allowIp, allowZohoIps } = options;
  const given = { port, host, maxBody, schema, onInvalid };
  const read = Object.entries(given).flatMap(([key, text]) => {
    const flag = `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
    return text === undefined ? [] : [[key, readers[key as keyof typeof given]?.(text, flag)]];
  });
  return {
    ...(Object.fromEntries(read) as Partial<Settings>),
    ...(events === undefined ? {} : { events }),
    ...(allowIp === undefined ? {} : { allowIp }),
    ...(allowZohoIps === undefined ? {} : { allowZohoIps }),
  };
}

function allowedAddresses({ allowIp, allowZohoIps }: Settings): AddressList | undefined {
  const ranges = [...allowIp, ...(allowZohoIps ? GUIDE_RANGES : [])];
  return ranges.length === 0 ? undefined : addressList(ranges);
}

function urlsOf(receiver: Receiver, ids: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(ids.map((id) => [id, webhookUrl(receiver.url, id)]));
}

function tryCommand(context: Context, receiver: Receiver, product: string): string {
  const sample = product === "crm" ? "crm Leads.create" : `${product} --all`;
  const target = receiver.port === 4460 ? "" : ` --to ${receiver.port}`;
  return `${context.invocation} send ${sample}${target}`;
}

function notesOn(
  secrets: Secrets,
  allowed: AddressList | undefined,
  { schema, onInvalid }: Settings,
): readonly string[] {
  const names = secrets.all().map(({ origin }) => origin);
  return [
    names.length === 0
      ? "Signatures and tokens are not checked: set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN to check them."
      : `Checking with ${names.join(", ")}; a delivery that fails is ${onInvalid === "reject" ? "refused" : "accepted with a warning"}.`,
    ...(schema === "warn" ? [] : [`Schemas: ${schema}.`]),
    ...(allowed === undefined ? [] : [`Accepting only from ${allowed.ranges.join(", ")}.`]),
    ...(allowed !== undefined && GUIDE_RANGES.every((range) => allowed.ranges.includes(range))
      ? ["The guide's two ranges are not all that Zoho sends from: a 403 may be a genuine delivery."]
      : []),
  ];
}

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

/** A timer of Node's that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
