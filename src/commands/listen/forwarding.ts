import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { answerRuleOf, type Deadline, deadlineOf } from "../../core/answer-rule.ts";
import { errorText } from "../../core/errors.ts";
import type { ForwardReport } from "../../core/forward-report.ts";
import type { Product } from "../../core/product.ts";
import type { ForwardCounts } from "../../core/report.ts";
import { shellQuoted } from "../../core/shell-quoted.ts";
import { isDelivered } from "../../delivery/answer-hint.ts";
import { createForwarder } from "../../delivery/forwarder.ts";
import { keepingLedger } from "../../delivery/keeping-ledger.ts";
import { createMirror } from "../../delivery/mirror.ts";
import { openPoster } from "../../delivery/post.ts";
import type { Ledger } from "../../receiver/ledger.ts";
import type { Log } from "../../store/log.ts";
import type { RunRoutes } from "./routes.ts";

/** How a run's deliveries get to the developer's app. */
export interface Forwarding {
  readonly ledger: Ledger;
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
  // A proxy that cannot be used is found here, before the first event.
  for (const target of routes.targets) poster.isDirect(target);
  const forwarder = createForwarder({
    log,
    poster,
    retry: { retries: settings.retries, baseMs: settings.retryBase },
    concurrency,
    deadlineOf: deadlineFor,
    now: context.now,
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
    ledger: keepingLedger({ log, routes, forwarder, mirror, ordered: settings.ordered }),
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
    hurry: () => mirror?.cut(),
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
