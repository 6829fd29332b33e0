import { commandOnLog } from "../history/open-log.ts";
import { driftOf, hasDrifted } from "../history/schema-drift.ts";
import { createTraffic } from "../history/traffic.ts";
import { type EventPattern, eventPattern } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import { isInvalid, type Receipt } from "../model/receipt.ts";
import { senderResult } from "../model/verdict.ts";
import type { Config } from "../project/load.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import { usageError } from "../util/errors.ts";
import type { DeliveryCounts, ListenContext } from "./lines.ts";

/** `crm:Leads.create=2`: so many of these events have to arrive. */
export interface ExpectedEvent {
  readonly pattern: EventPattern;
  readonly wanted: number;
}

export function parseExpectation(text: string): ExpectedEvent {
  const match = /^(.*?)(?:=(\d+))?$/s.exec(text);
  const wanted = Number(match?.[2] ?? 1);
  const pattern = match?.[1] ?? "";
  if (pattern === "" || pattern.includes("=") || wanted < 1) {
    throw usageError(
      `--expect ${JSON.stringify(text)} is malformed`,
      "write it as product:event=count, such as crm:Leads.create=2",
    );
  }
  return { pattern: eventPattern(pattern), wanted };
}

/** How a run with `--expect` or `--exec` ended. */
export interface RunResult {
  readonly expectations: ReturnType<ReturnType<typeof createTally>["counts"]>["expectations"];
  /** Exit code of the program of `--exec`; undefined without one, or where the run has ended before it. */
  readonly program: number | "timed out" | undefined;
  readonly seconds: number;
}

type Counts = { -readonly [K in keyof DeliveryCounts]: DeliveryCounts[K] };

/** Counts deliveries, by product and by expectation. */
export function createTally(expectations: readonly ExpectedEvent[]) {
  const total = noCounts();
  const products: Record<string, Counts> = Object.create(null);
  const arrived = expectations.map(() => 0);
  /** The first number of this run: a repeat of an earlier run's event is the first one that this run sees. */
  let firstN = Number.POSITIVE_INFINITY;
  const seenAgain = new Set<number>();
  const count = (i: number): number => arrived[i] ?? 0;
  return {
    add({ n, receipt, refusal, duplicateOf, shown }: ReceivedEvent): void {
      if (n > 0) firstN = Math.min(firstN, n);
      const name = receipt.product ?? "(unknown)";
      products[name] ??= noCounts();
      const accepted = refusal === undefined;
      const kind = accepted ? kindOf(receipt) : "rejected";
      for (const counts of [total, products[name]]) {
        counts.received++;
        counts[kind]++;
        if (!shown) counts.hidden++;
        // A rejected delivery repeats nothing, whatever it claims to be.
        if (accepted && duplicateOf !== undefined) counts.duplicates++;
      }
      if (!accepted) return;
      if (duplicateOf !== undefined) {
        if (duplicateOf >= firstN || seenAgain.has(duplicateOf)) return;
        seenAgain.add(duplicateOf);
      }
      expectations.forEach(({ pattern }, i) => {
        if (pattern.matches(receipt.product, receipt.event)) arrived[i] = count(i) + 1;
      });
    },
    /** Whether a delivery arrived in this run. */
    isOfRun: (n: number): boolean => n >= firstN,
    /** True once every expectation is met; never without one. */
    isComplete: () => expectations.length > 0 && expectations.every(({ wanted }, i) => count(i) >= wanted),
    /** The expected events that have not all arrived. */
    missing: () => expectations.flatMap(({ pattern, wanted }, i) => (count(i) < wanted ? [pattern.text] : [])),
    counts: () => ({
      total,
      products,
      expectations: expectations.map(({ pattern, wanted }, i) => ({ event: pattern.text, wanted, came: count(i) })),
    }),
  };
}

/** The column of an accepted delivery. */
function kindOf(receipt: Receipt): "valid" | "custom" | "invalid" | "wrong_signature" | "missing_signature" {
  const result = senderResult(receipt.verdicts);
  if (result === "wrong_signature" || result === "missing_signature") return result;
  if (isInvalid(receipt)) return "invalid";
  return receipt.custom ? "custom" : "valid";
}

function noCounts(): Counts {
  return {
    received: 0,
    valid: 0,
    custom: 0,
    invalid: 0,
    wrong_signature: 0,
    missing_signature: 0,
    rejected: 0,
    duplicates: 0,
    hidden: 0,
  };
}

/** Compares the events of a run with their schemas; undefined with `--schema off`. */
export function openDrift(
  context: ListenContext,
  config: Pick<Config, "settings" | "origins">,
  products: readonly Product[],
) {
  const { settings } = config;
  if (settings.schema === "off") return undefined;
  const traffic = createTraffic(products);
  return {
    add({ n, method, path, headers, body, receipt, duplicateOf }: ReceivedEvent): void {
      const delivery = { method, url: path, headers, body };
      const { product, format, event, known, verdicts } = receipt;
      const seen = { n, product, format, event, known, verdicts, duplicateOf, delivery };
      traffic.add(seen, () => receipt.payload?.data);
    },
    /** At the end of the run: the differences, if there are any. */
    report(): void {
      const drifts = traffic.events().map(driftOf).filter(hasDrifted);
      const overlooked = traffic.overlooked();
      const moreCommand = settings.store === false ? undefined : commandOnLog(context, config, "events drift");
      if (drifts.length === 0 && overlooked === 0) return;
      for (const line of drifts) context.report(line);
      context.report({ type: "drifts", person: { drifts, brief: true, overlooked, moreCommand } });
    },
  };
}
