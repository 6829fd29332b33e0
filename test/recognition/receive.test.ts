import { expect, it } from "vitest";
import { z } from "zod";
import { noSecrets } from "../../src/delivery/secrets.ts";
import { event, type Format, type Product, type Proof } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";

function receiptOf(body: unknown, url = "/") {
  return receive({
    products,
    delivery: { method: "POST", url, headers: [], body: Buffer.from(JSON.stringify(body)) },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
}

it("answers a challenge", () => {
  expect(receiptOf({ challenge: "c-81" }).handshake?.body).toBe('{"challenge":"c-81"}');
});

it("answers a challenge in the query only where the product is named", () => {
  const delivery = { method: "POST", url: "/?challenge=c-81", headers: [], body: Buffer.alloc(0) };
  const handshakeOf = (product?: Product) =>
    receive({ products, product, delivery, secrets: noSecrets, now: new Date() }).handshake?.body;
  expect(handshakeOf(products.find(({ id }) => id === "crm"))).toBe('{"challenge":"c-81"}');
  expect(handshakeOf()).toBeUndefined();
});

it("answers an empty GET where no product is named, but no empty POST", () => {
  const handshakeOf = (method: string) => {
    const delivery = { method, url: "/", headers: [], body: Buffer.alloc(0) };
    return receive({ products, delivery, secrets: noSecrets, now: new Date() }).handshake;
  };
  expect(handshakeOf("GET")).toMatchObject({ status: 200 });
  expect(handshakeOf("POST")).toBeUndefined();
});

it("verifies an event that has a challenge field instead of answering a challenge", () => {
  const receipt = receiptOf({ event: "invoice_created", organization_id: "1", data: {}, challenge: "c-81" });
  expect(receipt).toMatchObject({ event: "invoice_created", handshake: undefined });
  expect(receipt.verdicts.map(({ id }) => id)).toEqual(["guide-signature"]);
});

it.each(
  products
    .filter(({ formats }) => formats.some(({ id }) => id === "guide"))
    .map((product) => [product.id, product] as const),
)("answers a challenge on the URL of %s, where any other body is an event", (_, product) => {
  const receipt = receive({
    products,
    product,
    delivery: { method: "POST", url: "/", headers: [], body: Buffer.from('{"challenge":"c-81"}') },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
  expect(receipt.handshake?.body).toBe('{"challenge":"c-81"}');
});

it("identifies an event that happens once to a record by the record, whatever else the body says", () => {
  const identity = (data: object): string | undefined =>
    receiptOf({ module: "Leads", operation: "create", ids: [], resource_uri: "", ...data }).identity;
  const ids = ["4876876000001402117"];
  expect(identity({ ids, data: { Email: "a@example.com" } })).toBe(identity({ ids, data: {} }));
  expect(identity({ data: { Email: "a@example.com" } })).not.toBe(identity({ data: { Email: "b@example.com" } }));
});

it("hashes the ids of very many records into a short identity", () => {
  const identity = (first: string): string =>
    receiptOf({
      module: "Leads",
      operation: "create",
      ids: [first, ...Array(1000).fill("4876876000001402117")],
      data: {},
    }).identity ?? "";
  expect(identity("1").length).toBeLessThan(100);
  expect(identity("1")).toBe(identity("1"));
  expect(identity("1")).not.toBe(identity("2"));
});

it("identifies deliveries with different queries as different events", () => {
  const body = { event: "invoice_created", organization_id: "1", data: {} };
  const identity = (url: string): string | undefined => receiptOf(body, url).identity;
  expect(identity("/?id=1")).toBe(identity("/?id=1"));
  expect(identity("/?id=1")).not.toBe(identity("/?id=2"));
});

it.each([
  ["a known envelope without proofs", "acme", { event: "order.created" }],
  ["an unknown event of a known envelope", "acme", { event: "order.lost" }],
  ["a body of no known envelope", "acme", { id: "1" }],
  ["the envelope of another product", "acme", { event: "invoice_created", organization_id: "1" }],
  ["a known envelope without a product named", undefined, { event: "order.created" }],
])("runs each proof at most once for %s", (_, named, body) => {
  const runs = new Map<string, number>();
  const proof = (id: string, proves: Proof["proves"]): Proof => ({
    ...{ id, proves, credential: "secret", title: id, header: `x-${id}`, sign: (delivery) => delivery },
    verify() {
      runs.set(id, (runs.get(id) ?? 0) + 1);
      return { id, proves, verdict: "failed", reason: "counted" };
    },
  });
  const shared = proof("shared", "sender");
  const format = (id: string, rest: Partial<Format>): Format => ({
    ...{ id, source: "", proofs: [], events: [], body: { recognise: () => undefined, records: () => [] } },
    ...rest,
  });
  const formats = [
    format("first", {
      proofs: [shared, proof("signature", "body")],
      events: [event("order.created", "An order", z.unknown)],
      body: { recognise: ({ data }) => (data as { event?: string }).event, records: () => [] },
    }),
    format("second", { proofs: [shared, proof("other", "body")] }),
    format("custom", {
      proofs: [shared, proof("own", "body")],
      body: { recognise: () => undefined, records: () => [], customEvent: "webhook" },
      events: [event("webhook", "Any", z.unknown)],
    }),
  ];
  const acme: Product = { id: "acme", title: "Acme", formats };
  const headers = [["x-other", "1"]] as const;
  const receipt = receive({
    products: [...products, acme],
    product: named === undefined ? undefined : acme,
    delivery: { method: "POST", url: "/", headers, body: Buffer.from(JSON.stringify(body)) },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
  expect(receipt.verdicts.map(({ id }) => id)).toContain("shared");
  expect([...runs.values()]).toEqual([...runs.values()].map(() => 1));
});
