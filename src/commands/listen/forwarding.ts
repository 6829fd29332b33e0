import { hostname as machineName, networkInterfaces } from "node:os";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { answerRuleOf, type Deadline, deadlineOf } from "../../core/answer-rule.ts";
import type { EventPattern } from "../../core/event-names.ts";
import { maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import { isDelivered } from "../../forward/answer-hint.ts";
import { createForwarder } from "../../forward/forwarder.ts";
import { createMirror } from "../../forward/mirror.ts";
import { openPoster } from "../../forward/post.ts";
import type { ForwardingParts } from "../../forward/record-and-forward.ts";
import { createRoutes, type Routes } from "../../forward/routes.ts";
import type { ForwardReport } from "../../reports/forward.ts";
import type { ForwardCounts } from "../../reports/run.ts";
import type { Log } from "../../store/log.ts";
import { errorText, usageError } from "../../util/errors.ts";
import { isLoopback, isWildcardAddress } from "../../util/hosts.ts";
import { shellQuoted } from "../../util/text.ts";

/** How a run's deliveries get to the developer's app. */
interface Forwarding {
  readonly parts: ForwardingParts;
  readonly notes: readonly string[];
  /** Goes on with what waits from an earlier run. */
  start(): Promise<void>;
  /** `waiting` is known once it is closed. */
  counts(): ForwardCounts;
  hurry(): void;
  /** With a signal what has come goes on to the app first, where that takes a moment only, or until it aborts. */
  close(drainUntil?: AbortSignal): Promise<void>;
}

const CLOSE_GRACE_MS = 3000;

export async function openForwarding(
  context: Context,
  config: Config,
  log: Log,
  routes: RunRoutes,
  products: readonly Product[],
): Promise<Forwarding> {
  const { settings, env } = config;
  const { concurrency, forwardTimeout, insecure } = settings;
  const onlyOnce = settings.retries === 0;
  const counts: { -readonly [K in keyof ForwardCounts]: ForwardCounts[K] } = { delivered: 0, failed: 0, waiting: 0 };
  const onTrouble = (message: string): void => context.report({ type: "warning", message });
  const open = () => openPoster({ connections: concurrency, insecure, env, timeoutMs: forwardTimeout, onlyOnce });
  const poster = await open();
  const deadlineFor = deadlines(context, products);
  const told = tellOnce(context, config);
  const showTarget = routes.texts.length > 1;
  // A proxy that cannot be used is found here, before the first event.
  for (const target of routes.targets) poster.isDirect(target);
  const forwarder = createForwarder({
    log,
    poster,
    retry: { retries: settings.retries, baseMs: settings.retryBase },
    concurrency,
    deadlineOf: deadlineFor,
    now: context.now,
    showTarget,
    onReport(report) {
      if (report.state === "delivered") counts.delivered++;
      if (report.state === "failed") counts.failed++;
      context.report(told(report));
    },
    onTarget: context.report,
    onTrouble,
  });
  const isMirrored = settings.respond === "mirror";
  // Of its own: a sender waits for what is mirrored, and no backlog may go before it.
  const mirrorPoster = isMirrored ? await open() : undefined;
  const mirror =
    mirrorPoster &&
    createMirror({
      log,
      poster: mirrorPoster,
      deadlineOf: deadlineFor,
      now: context.now,
      showTarget,
      onReport(report) {
        counts[isDelivered(report) ? "delivered" : "failed"]++;
        context.report(told(report));
      },
      onTrouble,
    });
  const waiting = async () => (await log.waiting()).filter(({ target }) => routes.has(target));
  /** Undefined where the log does not say: it may be gone, which is no reason not to end. */
  const countLeft = async (): Promise<number | undefined> => {
    try {
      return (await waiting()).reduce((sum, each) => sum + each.waiting, 0);
    } catch (error) {
      onTrouble(`it is not known how many deliveries did not reach your app: ${errorText(error)}`);
      return undefined;
    }
  };

  return {
    parts: { routes, forwarder, mirror, ordered: settings.ordered },
    notes: [
      `Forwarding to ${routes.texts.join(", ")}${isMirrored ? "; the sender gets its answer" : ""}.`,
      ...(isMirrored && settings.ordered
        ? ["--ordered does not apply to the app whose answer the sender gets: senders do not wait for one another."]
        : []),
    ],
    async start() {
      forwarder.wake((await waiting()).map(({ target }) => target));
    },
    counts: () => counts,
    hurry: () => mirror?.interrupt(),
    async close(drainUntil) {
      const end = performance.now() + CLOSE_GRACE_MS;
      await mirror?.close();
      if (drainUntil !== undefined) await forwarder.drain(CLOSE_GRACE_MS, drainUntil);
      await forwarder.close(Math.max(0, end - performance.now()));
      await Promise.all([poster.close(), mirrorPoster?.close()]);
      counts.waiting = await countLeft();
    },
  };
}

/** A report with what can be done about it. A person is told each hint once: below a hundred lines it is noise. */
function tellOnce(
  { invocation, json }: Context,
  { settings: { store }, origins }: Config,
): (report: ForwardReport) => ForwardReport {
  const told = new Set<string>();
  const isNew = (text: string): boolean => !told.has(text) && told.add(text).size > 0;
  const flag = store !== false && origins.store === "flag" ? ` --store ${shellQuoted(store)}` : "";
  const list = `${invocation} events list --failed${flag}`;
  return (report) => {
    const hint = report.hint === undefined || json || isNew(report.hint) ? report.hint : undefined;
    // Nothing can be sent again of what is not kept.
    if (report.state !== "failed" || store === false) return hint === report.hint ? report : { ...report, hint };
    const replayCommand = `${invocation} replay ${report.n}${flag}`;
    return { ...report, hint, replayCommand, failedList: isNew(list) ? list : undefined };
  };
}

/** Each made once, and not for each delivery. */
function deadlines(
  { overrides }: Context,
  products: readonly Product[],
): (product: string | undefined, format: string | undefined) => Deadline {
  const known = new Map<string, Deadline>();
  return (product, format) => {
    const key = `${product} ${format}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const { title, rule } = answerRuleOf(products, product, format);
    const made = deadlineOf(title, rule, overrides?.answerWithinMs);
    known.set(key, made);
    return made;
  };
}

/** Where this run's events go. */
export interface RunRoutes extends Routes {
  /** All that an event can go to. */
  readonly targets: readonly string[];
  has(target: string): boolean;
}

/** Events that the user filters out are neither shown nor forwarded. */
export function runRoutes({ settings }: Config, shown: EventPattern, products: readonly Product[]): RunRoutes {
  const all = createRoutes(settings.forwardTo, settings.routes);
  const targets = all.all(products.map((product) => product.id));
  for (const target of targets) refuseOwn(target, settings);
  return {
    ...all,
    targets,
    has: (target) => targets.includes(target),
    targetsOf: (product, event) => (shown.matches(product, event) ? all.targetsOf(product, event) : []),
  };
}

/** What is forwarded to the receiver itself would come in again and again. */
function refuseOwn(target: string, { host, port, publicUrl, domain }: Config["settings"]): void {
  const url = new URL(target);
  const isOwnPort = port !== 0 && Number(url.port || 80) === port && reachesHost(url.hostname, host);
  const isPublic = [publicUrl, domain && `https://${domain}`].some(
    (own) => own !== undefined && URL.canParse(own) && new URL(own).host === url.host,
  );
  if (!isOwnPort && !isPublic) return;
  throw usageError(
    `--forward-to ${maskUrl(target)} is listen's own ${isOwnPort ? "port" : "public URL"}`,
    "name the port that your app listens on",
  );
}

/** Whether what is sent to a name arrives at a receiver on this address. One on every address has all of this machine's. */
function reachesHost(hostname: string, host: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  const isEvery = isWildcardAddress(host);
  if (isLoopback(hostname) || isWildcardAddress(name)) return isEvery || isLoopback(host) || host === "::1";
  if (!isEvery) return name === host;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return name === machineName() || own.some(({ address }) => address === name);
}
