import { type EventPattern, eventPattern } from "../../core/event-names.ts";
import type { EventReport } from "../../reports/event.ts";
import type { ProductCount } from "../../reports/run.ts";
import { usageError } from "../../util/errors.ts";

/** `crm:Leads.create=2`: so many of these events have to arrive. */
export interface Expectation {
  readonly pattern: EventPattern;
  readonly wanted: number;
}

export function parseExpectation(text: string): Expectation {
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

type Counts = { -readonly [K in keyof ProductCount]: ProductCount[K] };

/** Counts deliveries, by product and by expectation. */
export function createTally(expectations: readonly Expectation[]) {
  const total = noCounts();
  const products: Record<string, Counts> = Object.create(null);
  const arrived = expectations.map(() => 0);
  /** Of this run: a repeat of an earlier run's event is the first one that this run sees. */
  let firstN = Number.POSITIVE_INFINITY;
  const seenAgain = new Set<number>();
  const count = (i: number): number => arrived[i] ?? 0;
  return {
    add({ n, receipt, refusal, duplicateOf }: Pick<EventReport, "n" | "receipt" | "refusal" | "duplicateOf">): void {
      if (n > 0) firstN = Math.min(firstN, n);
      const name = receipt.product ?? "(unknown)";
      products[name] ??= noCounts();
      const accepted = refusal === undefined;
      const failed = receipt.verdicts.some((verdict) => verdict.verdict === "failed");
      const isKnown = receipt.known || receipt.handshake !== undefined;
      const valid = !failed && isKnown && receipt.schema?.ok !== false;
      for (const counts of [total, products[name]]) {
        counts.received++;
        if (!accepted) counts.rejected++;
        else if (valid) counts.valid++;
        else counts.issues++;
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
    /** True once every expectation is met; never without one. */
    isComplete: () => expectations.length > 0 && expectations.every(({ wanted }, i) => count(i) >= wanted),
    counts: () => ({
      total,
      products,
      expectations: expectations.map(({ pattern, wanted }, i) => ({ event: pattern.text, wanted, came: count(i) })),
    }),
  };
}

function noCounts(): Counts {
  return { received: 0, valid: 0, issues: 0, rejected: 0, duplicates: 0 };
}
