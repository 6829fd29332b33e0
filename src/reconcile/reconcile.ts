import { modulesOf } from "../channels/channel.ts";
import { missedChanges, type RecordChange } from "../channels/missed.ts";
import { withZoho, type ZohoSession } from "../channels/session.ts";
import { findWatchProduct, type WatchProduct } from "../channels/watch-products.ts";
import { noSecrets } from "../delivery/secrets.ts";
import { createRoutes } from "../forward/routes.ts";
import { commandOnLog, withLog } from "../history/open-log.ts";
import type { Duty, Log } from "../log/log.ts";
import { findProduct } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { receive } from "../recognition/receive.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { counted, formatSpan } from "../util/units.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import { zohoTime } from "../zoho-api/time.ts";
import type { MissedChange, MissedLine, ReconciledChange, ReconcileReport } from "./lines.ts";
import { type ChangeGroup, groupChanges, reconstructNotification } from "./notification.ts";
import { NOTIFICATION_FORMAT, readSeenRecords, type SeenRecords } from "./seen.ts";
import { delivererOf, type WatchedChannel, watchedChannels, watcherOf } from "./watched.ts";

export interface ReconcileOptions {
  readonly product: WatchProduct;
  readonly since: Date;
  /** Puts what was missed into the log. */
  readonly deliver: boolean;
}

/** Throws a usage error for a product that does not say what has changed. */
export function reconcilableProduct(id: string): WatchProduct {
  if (["desk", "books", "sign"].includes(id.toLowerCase()))
    throw usageError(
      `--product ${id}: deliveries of Desk, Books and Sign carry the record itself, which cannot be reconstructed`,
      "reconcile covers the channels of CRM and Bigin; zoho-hooks webhooks failures lists failed deliveries of some products",
    );
  const product = findWatchProduct(id);
  if (product.listsChanges) return product;
  throw usageError(
    `how to list all that changed in ${product.title} is not known well enough to say what was missed`,
    "reconcile covers the channels of CRM and Bigin",
  );
}

/**
 * Compares Zoho's lists of changed and deleted records with the notifications in the log. Resolves to 8 where some were missed and are
 * not in the log afterwards.
 */
type ReconcileContext = Context<ApiRequestLine | MissedLine | ReconcileReport>;

export async function reconcile(
  context: ReconcileContext,
  config: Config,
  options: ReconcileOptions,
): Promise<ExitCode> {
  const { product, deliver } = options;
  const given = { ...options, since: withinLog(context, config, options.since) };
  return withZoho(context, config, { product: product.id }, (session) =>
    withLog(context, config, async (log) => {
      const duty = deliver ? await takeDuty(context, log) : undefined;
      try {
        return await compare(context, { ...given, session, log });
      } finally {
        await duty?.release();
      }
    }),
  );
}

/** What the log no longer has was not missed. */
function withinLog(context: ReconcileContext, { settings: { keep } }: Config, since: Date): Date {
  const oldest = new Date(context.now().getTime() - keep);
  if (since >= oldest) return since;
  const message = `the event log keeps ${formatSpan(keep)}, so that only changes since ${zohoTime(oldest)} are compared`;
  context.report({ type: "warning", message });
  return oldest;
}

const DUTY_POLL_MS = 500;

/** Serialises deliveries: the second run finds in the log what the first wrote. */
async function takeDuty(context: ReconcileContext, log: Log): Promise<Duty> {
  const taken = await log.takeDuty("reconcile");
  if (taken !== undefined) return taken;
  return context.waiting("waiting for another reconcile --deliver to end", async () => {
    for (;;) {
      await context.sleep(DUTY_POLL_MS, context.signal);
      context.signal.throwIfAborted();
      const duty = await log.takeDuty("reconcile");
      if (duty !== undefined) return duty;
    }
  });
}

interface Comparison extends ReconcileOptions {
  readonly session: ZohoSession;
  readonly log: Log;
}

async function compare(
  context: ReconcileContext,
  { session, log, product, since, deliver }: Comparison,
): Promise<ExitCode> {
  const { config } = session;
  let calls = 0;
  const channels = await context.waiting("asking Zoho for its channels", () => watchedChannels(session));
  for (const { token } of channels) if (token !== undefined) context.knownSecrets.remember(token);
  const modules = modulesOf(channels.flatMap(({ events }) => events)).toSorted();
  const seen = await readSeenRecords(context, log, { product: product.id, since });
  const found = await context.waiting(`asking ${product.title} for changed records`, async () => {
    const call: ZohoSession["api"]["call"] = (request) => {
      calls++;
      return session.api.call({ ...request, signal: context.signal });
    };
    const isSeen = (change: RecordChange): boolean => watcherOf(change, channels) === undefined || seen.has(change);
    return collect(missedChanges({ product, call }, { since, modules, seen: isSeen }));
  });
  // What has come since the log was read.
  await seen.update();
  const changes = found.filter((change) => !seen.has(change));
  const isPerhaps = (change: MissedChange): boolean => watcherOf(change, channels)?.isConditional ?? false;
  const missed = changes.filter((change) => !isPerhaps(change));
  const outcome =
    (state: "missed" | "perhaps") =>
    (change: MissedChange): ReconciledChange => ({ ...change, state, n: undefined });
  const reported = deliver
    ? await deliverAll(context, { session, log, seen, channels, missed })
    : missed.map(outcome("missed"));
  const perhaps = changes.filter(isPerhaps).map(outcome("perhaps"));
  const lines = [...reported, ...perhaps].map((change) => missedLine(product.id, change));
  for (const line of lines) context.report(line);
  const count = (state: MissedLine["state"]): number => lines.filter((line) => line.state === state).length;
  context.report({
    type: "reconcile",
    product: product.id,
    since: since.toJSON(),
    modules,
    missed: count("missed"),
    perhaps: count("perhaps"),
    delivered: count("delivered"),
    credits: calls * product.readCredits,
    person: {
      changes: lines,
      deliverCommand: commandOnLog(
        context,
        config,
        `reconcile --product ${product.id} --since ${zohoTime(since)} --deliver`,
      ),
    },
  });
  if (reported.some(({ state }) => state === "missed")) return ExitCode.expectation;
  return seen.exitCode();
}

/** The last change of each record, the oldest first. A record that changes while the lists are read is in them twice. */
function missedLine(product: string, { state, module, id, operation, at, n }: ReconciledChange): MissedLine {
  return {
    type: "missed",
    state,
    product,
    module,
    id,
    operation,
    at: at.toJSON(),
    n: n ?? null,
  };
}

async function collect(changes: AsyncIterable<MissedChange>): Promise<readonly MissedChange[]> {
  const found = new Map<string, MissedChange>();
  for await (const change of changes) {
    const key = `${change.module} ${change.id}`;
    const before = found.get(key);
    const isStillNew = before?.operation === "insert" && change.operation === "update";
    found.set(key, isStillNew ? { ...before, latest: change.latest } : change);
  }
  return [...found.values()].sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** Numbers of one command, so that it stays readable. */
const MAX_NAMED = 20;

interface Delivering {
  readonly session: ZohoSession;
  readonly log: Log;
  readonly seen: SeenRecords;
  readonly channels: readonly WatchedChannel[];
  readonly missed: readonly MissedChange[];
}

/** Puts notifications into the log, for `listen` to forward. Leaves out what has come meanwhile. */
async function deliverAll(
  context: ReconcileContext,
  { session, log, seen, channels, missed }: Delivering,
): Promise<readonly ReconciledChange[]> {
  const { product, config } = session;
  const delivered: ReconciledChange[] = [];
  const targetsOf = await findTargets(log, config, product.id);
  const untargeted: number[] = [];
  for (const group of groupChanges(missed, (change) => delivererOf(change, channels))) {
    context.signal.throwIfAborted();
    await seen.update();
    const changes = group.changes.filter((change) => !seen.has(change));
    if (changes.length === 0) continue;
    const { n, targets } = await append(context, { log, session, targetsOf }, { ...group, changes });
    if (targets.length === 0) untargeted.push(n);
    delivered.push(...changes.map((change) => ({ ...change, state: "delivered" as const, n })));
  }
  if (untargeted.length > 0) {
    const named = untargeted.slice(0, MAX_NAMED);
    const rest = untargeted.length - named.length;
    const command = commandOnLog(context, config, `replay ${named.join(" ")} --to http://localhost:3000`);
    context.report({
      type: "warning",
      message: `${counted(untargeted.length, "notification")} in the event log will reach no app: neither the settings nor the log say where to forward them`,
      hint: rest > 0 ? `${command}, then those after ${named.at(-1)}, ${rest} more` : command,
    });
  }
  return delivered;
}

type TargetsOf = (event: string | undefined, url: string) => readonly string[];

/** By the settings; where they name no target, as the newest notification was forwarded: `listen` may have its targets from flags. */
async function findTargets(log: Log, { settings }: Config, product: string): Promise<TargetsOf> {
  const routes = createRoutes(settings);
  if (!routes.empty) return (event, url) => routes.targetsOf(product, event, url);
  for await (const { accepted, format, forwards, attempts } of log.entries({ product })) {
    if (!accepted || format !== NOTIFICATION_FORMAT) continue;
    const sent = attempts.filter(({ replay }) => replay === undefined);
    const targets = [...new Set([...forwards, ...sent].map(({ target }) => target))];
    return () => targets;
  }
  return () => [];
}

async function append(
  context: ReconcileContext,
  { log, session, targetsOf }: { readonly log: Log; readonly session: ZohoSession; readonly targetsOf: TargetsOf },
  group: ChangeGroup,
) {
  const delivery = reconstructNotification(session, group);
  const now = context.now();
  // Nobody has sent it, so that there is no signature or token to be right.
  const receipt = {
    ...receive({ products, product: findProduct(products, session.product.id), delivery, secrets: noSecrets, now }),
    verdicts: [],
  };
  const targets = targetsOf(receipt.event, delivery.url);
  const { n } = await log.append({
    receivedAt: now,
    delivery,
    remote: undefined,
    receipt,
    accepted: true,
    status: 200,
    refusal: undefined,
    reconstructed: true,
    forward: { targets },
  });
  return { n, targets };
}
