import { describe, expect, it } from "vitest";
import { noSecrets, secret } from "../../src/delivery/secrets.ts";
import { findProduct } from "../../src/model/event-names.ts";
import type { Proof } from "../../src/model/product.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { isNeverSigned } from "../../src/recognition/unsigned.ts";
import { guideSignature } from "../../src/signatures/body-signature.ts";
import { financeSignature } from "../../src/signatures/finance-signature.ts";
import { posted } from "../support/deliveries.ts";
import { fixtureCases } from "../support/fixture-cases.ts";

const key = secret("s3cret", "ZOHO_WEBHOOK_SECRET");
const shared = { ...key, shared: true };
const now = new Date("2025-01-15T10:30:00Z");
const secrets = { ...noSecrets, for: (credential: string) => (credential === "secret" ? [shared] : []) };

/** The status that `listen` answers a body with, where ZOHO_WEBHOOK_SECRET alone is set. */
function statusOf(...of: Parameters<typeof receiptOf>): number {
  return decideReply(receiptOf(...of), { schema: "warn", onInvalid: "reject" }).reply.status;
}

function receiptOf(body: unknown, product?: string, proof?: Proof, signedWith = key): Receipt {
  const delivery = posted(JSON.stringify(body));
  return receive({
    products,
    product: product === undefined ? undefined : findProduct(products, product),
    delivery: proof?.sign(delivery, signedWith, now) ?? delivery,
    secrets,
    now,
  });
}

const bodies = fixtureCases().filter(({ path }) => path !== undefined);
const signed = bodies.filter(
  ({ product, format }) =>
    !isNeverSigned(product) && format.id === "guide" && format.proofs.some(({ proves }) => proves === "body"),
);
const unsigned = bodies.filter(
  ({ product, format, match, text }) =>
    !match.event.custom &&
    !text.startsWith("[") &&
    (isNeverSigned(product) || format.proofs.every(({ credential }) => credential !== "secret")),
);

function bodyOf(wanted: string) {
  return JSON.parse(bodies.find(({ label }) => label === wanted)?.text ?? "");
}

/** Those of one format have the same envelope. */
const oneOfEachFormat = (all: typeof bodies) => [...new Map(all.map((each) => [each.format, each])).values()];

describe("an unsigned body of a product that signs", () => {
  it("is refused whatever members of an unsigned envelope are added to it", () => {
    const others = oneOfEachFormat(unsigned);
    expect([signed.length > 50, others.length > 10]).toEqual([true, true]);
    const accepted = signed.flatMap((one) =>
      others.flatMap((other) => {
        const body = { ...JSON.parse(other.text), ...JSON.parse(one.text) };
        return statusOf(body) < 300 ? [`${one.label} with ${other.label}`] : [];
      }),
    );
    expect(accepted).toEqual([]);
  });

  it("is refused with the keys that mark a custom body", () => {
    const accepted = signed.flatMap(({ label, text }) => {
      const { event, operation, module } = JSON.parse(text);
      return ["webinarId", "Response ID", "ADDED_TIME"].flatMap((key) =>
        statusOf({ event, operation, module, [key]: "x" }) < 300 && event !== undefined ? [`${label} with ${key}`] : [],
      );
    });
    expect(accepted).toEqual([]);
  });

  const neverSigned = bodies.filter(({ product, text }) => isNeverSigned(product) && !text.startsWith("["));

  it("is not accepted as its event with members of a product that is never signed", () => {
    const withSecret = bodies.filter(
      ({ format, text }) =>
        !text.startsWith("[") &&
        format.proofs.some(({ proves, credential }) => proves === "body" && credential === "secret"),
    );
    const accepted = oneOfEachFormat(withSecret).flatMap((one) =>
      neverSigned.flatMap((other) => {
        if (isNeverSigned(one.product)) return [];
        const body = { ...JSON.parse(other.text), ...JSON.parse(one.text) };
        const isTaken = receiptOf(body).product === one.product.id && statusOf(body) < 300;
        return isTaken ? [`${one.label} with ${other.label}`] : [];
      }),
    );
    expect(accepted).toEqual([]);
  });

  it("is refused at its own path whatever body of a product that is never signed it is", () => {
    const signing = [...new Set(signed.map(({ product }) => product.id))];
    const accepted = signing.flatMap((product) =>
      neverSigned.flatMap((one) =>
        statusOf(JSON.parse(one.text), product) < 300 ? [`${one.label} as ${product}`] : [],
      ),
    );
    expect([neverSigned.length > 30, signing.length > 3, accepted]).toEqual([true, true, []]);
  });

  const ticket = bodyOf("desk guide Ticket.Create");

  it.each([
    [
      "Ticket.Create in part, with members of Desk's list",
      "desk",
      { ...ticket, ticketId: undefined, eventType: "Ticket_Add", payload: {}, eventTime: "1" },
    ],
    [
      "a list of Desk with an event that is no text",
      "desk",
      [{ payload: {}, eventType: [1], eventTime: "1", orgId: "7" }],
    ],
    ["two members of a notification", "crm", { server_time: 1, channel_id: "1", event: "x", data: {} }],
    [
      "Ticket.Create with an envelope of SalesIQ",
      undefined,
      { ...ticket, entity_type: "x", entity_id: "1", org_id: "1", entity: {} },
    ],
  ])("is refused as %s", (_, product, body) => {
    expect([401, 404]).toContain(statusOf(body, product));
  });
});

describe("a body in one format with the signature of another", () => {
  it.each([
    ["crm wire Leads.create", "crm", guideSignature],
    ["books guide invoice_created", "books", financeSignature],
  ])("is checked by it: %s", (label, product, proof) => {
    // A token would be the format's own proof.
    const body = { ...bodyOf(label), token: undefined };
    expect(statusOf(body, product, proof)).toBe(200);
    expect(statusOf(body, product, proof, secret("another", "OTHER"))).toBe(401);
  });

  it("is checked by it in a format of the user's own", () => {
    expect(statusOf({ total: 1 }, "books", financeSignature)).toBe(200);
    expect(statusOf({ total: 1 }, "books", financeSignature, secret("another", "OTHER"))).toBe(401);
  });
});

it("accepts an unknown event in a whole envelope by the proofs of its own format", () => {
  const body = { ...bodyOf("crm wire Leads.create"), token: undefined, operation: "merge" };
  expect([statusOf(body, "crm"), statusOf(body)]).toEqual([200, 200]);
});
