import { type EventPattern, eventPattern } from "../../core/event-names.ts";
import type { EventReport } from "../../reports/event.ts";
import type { ProductCount, SummaryReport } from "../../reports/run.ts";
import { usageError } from "../../util/errors.ts";

/** `crm:Leads.create=2`: that many of these events have to come. */
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

/** What the receiver itself can count. */
type CountSummary = Omit<SummaryReport, "forwards" | "tunnelDownMs" | "leftOut">;

/** Counts what comes, by product and by expectation. */
export interface Tally {
  add(event: Pick<EventReport, "n" | "receipt" | "refusal" | "duplicateOf">): void;
  /** True once every expectation is met; never when there is none. */
  complete(): boolean;
  summary(seconds: number): CountSummary;
}

type Counts = { -readonly [K in keyof ProductCount]: ProductCount[K] };

export function createTally(expectations: readonly Expectation[]): Tally {
  const total = noCounts();
  const products: Record<string, Counts> = Object.create(null);
  const came = expectations.map(() => 0);
  /** Of this run; what came before it is nothing that it has seen. */
  let firstN = Number.POSITIVE_INFINITY;
  const seenAgain = new Set<number>();
  return {
    add({ n, receipt, refusal, duplicateOf }) {
      if (n > 0) firstN = Math.min(firstN, n);
      const name = receipt.product ?? "(unknown)";
      products[name] ??= noCounts();
      const accepted = refusal === undefined;
      const failed = receipt.verdicts.some((verdict) => verdict.verdict === "failed");
      const valid = accepted && !failed && receipt.known && receipt.schema?.ok !== false;
      for (const counts of [total, products[name]]) {
        counts.received++;
        if (valid) counts.valid++;
        if (!accepted) counts.rejected++;
        // What is refused repeats nothing, whoever it claims to be.
        if (accepted && duplicateOf !== undefined) counts.duplicates++;
      }
      if (!accepted) return;
      if (duplicateOf !== undefined) {
        if (duplicateOf >= firstN || seenAgain.has(duplicateOf)) return;
        seenAgain.add(duplicateOf);
      }
      expectations.forEach(({ pattern }, i) => {
        if (pattern.matches(receipt.product, receipt.event)) came[i] = (came[i] ?? 0) + 1;
      });
    },
    complete: () => expectations.length > 0 && expectations.every(({ wanted }, i) => (came[i] ?? 0) >= wanted),
    summary: (seconds) => ({
      type: "summary",
      total,
      products,
      seconds,
      expectations: expectations.map(({ pattern, wanted }, i) => ({ event: pattern.text, wanted, came: came[i] ?? 0 })),
    }),
  };
}

function noCounts(): Counts {
  return { received: 0, valid: 0, rejected: 0, duplicates: 0 };
}
