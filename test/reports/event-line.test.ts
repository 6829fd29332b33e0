import { describe, expect, it } from "vitest";
import type { Verdict, VerdictWord } from "../../src/model/product.ts";
import { emptyReceipt, type Receipt } from "../../src/model/receipt.ts";
import { products } from "../../src/products/index.ts";
import {
  type EventReport,
  eventReport,
  type LoggedFacts,
  type ReceivedEvent,
} from "../../src/receiver/event-report.ts";
import { renderEvent } from "../../src/reports/event.ts";
import { paintFor } from "../../src/reports/paint.ts";
import { textWidth } from "../../src/util/text.ts";

const paint = await paintFor({} as never, { env: {} } as never, false);

type Given = Partial<ReceivedEvent> & Pick<EventReport["person"], "answer" | "sameAs">;

function lineOf({ answer, sameAs, ...event }: Given, columns: number): string {
  const received: ReceivedEvent = {
    n: 12345,
    at: new Date(2025, 0, 15, 10, 30),
    method: "POST",
    path: "/webhooks/zoho/crm",
    headers: [],
    body: Buffer.alloc(498),
    receipt: emptyReceipt,
    duplicateOf: undefined,
    status: 200,
    refusal: undefined,
    shown: true,
    ...event,
  };
  const { out = "" } = renderEvent(eventReport(received, { answer, sameAs }), {
    out: { ...paint, columns },
    err: paint,
    verbose: false,
    quiet: false,
  });
  const [line = ""] = out.split("\n");
  return line;
}

const verdict = (id: string, word: VerdictWord): Verdict => ({ id, proves: "body", verdict: word, reason: "" });

function receipt(event: string, more: Partial<Receipt> = {}): Receipt {
  return {
    ...emptyReceipt,
    product: "crm",
    format: "guide",
    event,
    known: true,
    records: ["4876876025042719385"],
    verdicts: [verdict("token", "passed"), verdict("guide-signature", "passed")],
    schema: { ok: true, issues: [] },
    ...more,
  };
}

const failed: LoggedFacts = {
  state: "failed",
  remote: undefined,
  reconstructed: false,
  masked: false,
  bytes: 498,
  attempts: [],
  forwards: [
    { target: "http://localhost:3000/webhooks/zoho/crm", state: "failed", attempts: 12, dueAt: undefined },
    { target: "http://localhost:4000/webhooks/zoho/crm", state: "delivered", attempts: 1, dueAt: undefined },
  ],
  fresh: false,
  heading: undefined,
};

const ANSWER = { target: "http://localhost:3000/", status: 200, latency_ms: 12 };

describe("the line of an event", () => {
  const words: readonly VerdictWord[] = ["passed", "failed", "absent", "unconfigured"];
  const lengthOf = ([, name]: readonly [string, string]): number => name.length;
  const longest = products
    .flatMap(({ id, formats }) => formats.flatMap(({ events }) => events.map(({ name }) => [id, name] as const)))
    .toSorted((a, b) => lengthOf(b) - lengthOf(a))
    .slice(0, 5);
  const names = [
    ...longest,
    ["subscriptions", "invoice"],
    ["crm", "x".repeat(400)],
    ["crm", "連絡先".repeat(30)],
  ] as const;
  const issues = [{ path: [], at: "", expected: "an object", received: "null" }];

  it.each([60, 80, 99, 100, 119, 120, 131, 132, 200])("fits into %i columns, whatever it shows", (columns) => {
    for (const [product, name] of names)
      for (const word of words)
        for (const schema of [{ ok: true, issues: [] }, { ok: false, issues }, undefined]) {
          const verdicts = [verdict("token", "absent"), verdict("guide-signature", word)];
          const given = receipt(name, { product, verdicts, schema, known: schema !== undefined });
          const duplicate = lineOf({ receipt: given, duplicateOf: 12344, status: 401 }, columns);
          const logged = lineOf({ receipt: given, logged: failed }, columns);
          const answered = lineOf({ receipt: given, duplicateOf: 12344, answer: ANSWER }, columns);
          const rejected = lineOf({ receipt: given, status: 401, refusal: "wrong", sameAs: 12344 }, columns);
          for (const line of [duplicate, logged, answered, rejected])
            expect(textWidth(line)).toBeLessThanOrEqual(columns);
          expect(answered).toContain("→ 200");
          expect(rejected).toMatch(/(answered )?401 as #12344/);
          // There is no room for all of it in fewer.
          if (columns < 80) continue;
          for (const line of [duplicate, logged]) {
            if (word === "unconfigured") expect(line).toContain("? no key");
            if (word === "failed") expect(line).toContain("✗ wrong signature");
            if (schema === undefined) expect(line).toMatch(/\? unknown( event)? /);
            else if (!schema.ok) expect(line).toContain("✗ invalid");
          }
          expect(duplicate).toMatch(/dup(licate of)? #12344/);
          expect(logged).toContain("→ failed");
        }
  });

  it("leaves out unremarkable parts first", () => {
    const event = { receipt: receipt("Leads.create") };
    const start = "10:30:00 #12345 crm      Leads.create";
    const full = "4876876025042719385  ✓ verified  ✓ valid  498 B";
    expect(lineOf(event, 132)).toBe(`${start}                       ${full}`);
    expect(lineOf(event, 120)).toBe(`${start}                 ${full}`);
    expect(lineOf(event, 100)).toBe(`${start}           ${full}`);
    expect(lineOf(event, 80)).toBe(`${start}            ✓ verified  ✓ valid  498 B`);
    expect(lineOf(event, Number.POSITIVE_INFINITY)).toBe(`${start}                 ${full}`);
  });

  it("has the app's answer, the mark of a selected event and the record's id", () => {
    const event = { receipt: receipt("Leads.create", { verdicts: [verdict("token", "passed")] }), answer: ANSWER };
    const start = "10:30:00 #12345 crm      Leads.create";
    expect(lineOf(event, 101)).toBe(`${start}           4876876025042719385  ✓ verified  ✓ valid  → 200 12 ms`);
    expect(lineOf(event, 80)).toBe(`${start}            ✓ verified  → 200 12 ms`);
    expect(lineOf(event, 60)).toBe(`${start}  ✓ verified  → 200`);
    const finance = receipt("purchaseorder.deleted", { verdicts: [verdict("finance-signature", "passed")] });
    const listed = { receipt: finance, logged: failed };
    expect(lineOf(listed, 100)).toContain("purchaseorder.deleted  4876876025042719385  ✓ verified  → failed");
  });

  it.each([80, 100, 120, Number.POSITIVE_INFINITY])(
    "says what its signatures are in the same words in %s columns",
    (columns) => {
      const wordsOf = (...verdicts: Verdict[]): string | undefined =>
        /invoice +(?:4876876025042719385 +)?(\S \S+(?: \S+)?) {2}/.exec(
          lineOf({ receipt: receipt("invoice", { verdicts }), duplicateOf: 7 }, columns),
        )?.[1];
      const token = verdict("token", "passed");
      const address: Verdict = { ...verdict("source-address", "passed"), proves: "nothing" };
      expect(wordsOf(verdict("finance-signature", "passed"))).toBe("✓ verified");
      expect(wordsOf(verdict("finance-signature", "failed"))).toBe("✗ wrong signature");
      expect(wordsOf({ ...verdict("token", "failed"), missing: true })).toBe("✗ missing token");
      expect(wordsOf(verdict("desk-token", "failed"))).toBe("✗ wrong token");
      expect(wordsOf(verdict("finance-signature", "unconfigured"))).toBe("? no key");
      expect(wordsOf(token, verdict("guide-signature", "failed"))).toBe("✗ wrong signature");
      expect(wordsOf(token, verdict("guide-signature", "unconfigured"))).toBe("✓ verified");
      expect(wordsOf(address, verdict("guide-signature", "unconfigured"))).toBe("? no key");
      expect(wordsOf(address, verdict("guide-signature", "absent"))).toBe("– unsigned");
    },
  );

  it("cuts the name last", () => {
    const path = "/webhooks/zoho/books/with/a/path/that/is/longer/than/any/name/and/any/terminal";
    const event = { path, receipt: emptyReceipt };
    expect(lineOf(event, 200)).toContain(`POST ${path}`);
    const long = receipt("conversation.participants.deleted", { product: "salesiq" });
    expect(lineOf({ receipt: long, duplicateOf: 7 }, 100)).toContain("conversation.participants.deleted");
    expect(lineOf(event, 80)).toMatch(/POST \/webhooks\/zoho\/b.*… {2}\? not recognised$/);
  });
});
