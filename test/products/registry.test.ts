import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MASK, maskHeaders, secretFieldNames } from "../../src/delivery/mask.ts";
import { readPayload } from "../../src/delivery/payload.ts";
import type { Format, Product } from "../../src/model/product.ts";
import { answerRuleOf, deadlineOf } from "../../src/model/sender.ts";
import { products } from "../../src/products/index.ts";

const formats = products.flatMap((product: Product) =>
  product.formats.map((format): [string, Format] => [`${product.id} ${format.id}`, format]),
);

describe("the products", () => {
  it("have unique ids that fit a URL and a command line", () => {
    const ids = products.map(({ id }) => id);
    for (const id of ids) expect(id).toMatch(/^[a-z]+$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a sender", () => {
  it.each([
    ["payments", "wire", 15_000, "Zoho Payments waits 15 s"],
    ["salesiq", "zobot", 5000, "Zoho SalesIQ waits 5 s"],
    ["creator", "wire", 40_000, "Zoho Creator waits 40 s"],
    ["desk", "wire", 5000, "Zoho Desk waits 5 s"],
    ["crm", "guide", 10_000, "the guide allows 10 s"],
  ])("of %s (%s) gets its answer before its own timeout", (product, format, withinMs, reason) => {
    const { title, rule } = answerRuleOf(products, product, format);
    expect(deadlineOf(title, rule)).toMatchObject({ withinMs, reason: expect.stringContaining(reason) });
  });
});

describe.each(formats)("%s", (_label, format) => {
  it("has no two events whose names differ only by case", () => {
    const names = format.events.map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  it("has a different summary for each event", () => {
    const summaries = format.events.map(({ summary }) => summary);
    expect(new Set(summaries).size).toBe(summaries.length);
  });

  it("has a source", () => {
    const source = format.id === "guide" ? /Webhooks Guide for Zoho APIs 1\.0/ : /https:\/\/\S|^modelled on /;
    expect(format.source).toMatch(source);
    expect(["doc", "seen", "modelled"]).toContain(format.evidence);
    expect(format.source.startsWith("modelled on "), "where the source does not print the body").toBe(
      format.evidence !== "doc",
    );
  });

  it("has its secret masked: a header whose name does not imply a secret is `secretIn`", () => {
    for (const { header } of format.proofs) {
      if (header === undefined) continue;
      expect(maskHeaders([[header, "a value"]], secretFieldNames(format.proofs))).toEqual([[header, MASK]]);
    }
  });

  it("accepts any JSON without throwing, and returns ids as text", () => {
    fc.assert(
      fc.property(envelopeLike, fc.constantFrom(...format.events), (data, event) => {
        const delivery = { method: "POST", url: "/", headers: [], body: Buffer.from(JSON.stringify(data)) };
        const read = readPayload(delivery);
        if (!read.ok) throw new Error(read.problem.reason);
        const claimed = format.body.recognise(read.payload, delivery);
        expect(claimed === undefined || (typeof claimed === "string" && claimed !== "")).toBe(true);
        for (const id of format.body.records(read.payload.data, claimed ?? event.name))
          expect(typeof id).toBe("string");
        expect(() => {
          format.body.identity?.(read.payload.data, claimed ?? event.name);
          format.sender?.hint?.(read.payload, claimed ?? event.name);
          format.setup?.handshake?.(read.payload, delivery);
        }).not.toThrow();
        expect(() => event.schema.safeParse(read.payload.data)).not.toThrow();
      }),
      // Of each of some fifty formats.
      { numRuns: 30 },
    );
  });
});

/** JSON with many keys of envelopes and arbitrary values. */
const envelopeLike = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(
    fc.constantFrom(
      ...["module", "operation", "ids", "event", "data", "ticketId", "ticket", "comment", "subscription", "fields"],
      ...[
        "form_link_name",
        "submission_id",
        "updated_time",
        "record_id",
        "task",
        "campaign",
        "__proto__",
        "response_id",
      ],
      ...["invoice", "payment", "event_type", "event_object", "payload", "requests", "notifications"],
      ...["entity_type", "entity", "handler", "visitor", "params", "fromAddress", "toAddress"],
      ...["event_name", "event_message", "triggerType", "triggeredBy", "entityType", "action"],
    ),
    fc.oneof(
      fc.jsonValue(),
      fc.record({ id: fc.jsonValue(), campaign_id: fc.jsonValue(), invoice_id: fc.jsonValue() }),
    ),
  ),
);
