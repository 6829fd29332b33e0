import { expect, it } from "vitest";
import { noSecrets } from "../../src/body/secret.ts";
import type { Product } from "../../src/core/product.ts";
import { receive } from "../../src/core/receive.ts";
import { products } from "../../src/products/index.ts";

function receiptOf(body: unknown, url = "/") {
  return receive({
    products,
    delivery: { method: "POST", url, headers: [], body: Buffer.from(JSON.stringify(body)) },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
}

it("takes a challenge for a challenge", () => {
  expect(receiptOf({ challenge: "c-81" }).handshake?.body).toBe('{"challenge":"c-81"}');
});

it("takes parameters for a challenge where the product is known, and else for anybody's", () => {
  const delivery = { method: "POST", url: "/?challenge=c-81", headers: [], body: Buffer.alloc(0) };
  const handshakeOf = (product?: Product) =>
    receive({ products, product, delivery, secrets: noSecrets, now: new Date() }).handshake?.body;
  expect(handshakeOf(products.find(({ id }) => id === "crm"))).toBe('{"challenge":"c-81"}');
  expect(handshakeOf()).toBeUndefined();
});

it("judges an event that has a challenge field as the event, so that its proofs are asked for", () => {
  const receipt = receiptOf({ event: "invoice_created", challenge: "c-81" });
  expect(receipt).toMatchObject({ event: "invoice_created", handshake: undefined });
  expect(receipt.verdicts.map(({ id }) => id)).toEqual(["guide-signature"]);
});

it.each(
  products
    .filter(({ formats }) => formats.some(({ id }) => id === "guide"))
    .map((product) => [product.id, product] as const),
)("takes a challenge on the URL of %s for a challenge, whatever other bodies are taken there", (_, product) => {
  const receipt = receive({
    products,
    product,
    delivery: { method: "POST", url: "/", headers: [], body: Buffer.from('{"challenge":"c-81"}') },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
  expect(receipt.handshake?.body).toBe('{"challenge":"c-81"}');
});

it("takes what happens once to a record for one event however it is told, where it names the record", () => {
  const identity = (data: object): string | undefined =>
    receiptOf({ module: "Leads", operation: "create", ...data }).identity;
  const ids = ["4876876000001402117"];
  expect(identity({ ids, data: { Email: "a@example.com" } })).toBe(identity({ ids, data: {} }));
  expect(identity({ data: { Email: "a@example.com" } })).not.toBe(identity({ data: { Email: "b@example.com" } }));
});

it("keeps the identity short of a delivery of very many records, and tells two such apart", () => {
  const identity = (first: string): string =>
    receiptOf({ module: "Leads", operation: "create", ids: [first, ...Array(1000).fill("4876876000001402117")] })
      .identity ?? "";
  expect(identity("1").length).toBeLessThan(100);
  expect(identity("1")).toBe(identity("1"));
  expect(identity("1")).not.toBe(identity("2"));
});

it("takes deliveries for two events whose addresses alone differ, and for one where nothing does", () => {
  const identity = (url: string): string | undefined => receiptOf({ event: "invoice_created" }, url).identity;
  expect(identity("/?id=1")).toBe(identity("/?id=1"));
  expect(identity("/?id=1")).not.toBe(identity("/?id=2"));
});

it("tells a delivery about several records from one about a record and its parents", () => {
  const batchOf = (data: object): boolean => {
    const product = products.find((each) => each.id === "crm");
    const body = Buffer.from(JSON.stringify(data));
    const delivery = { method: "POST", url: "/", headers: [["content-type", "application/json"]] as const, body };
    return receive({ products, product, delivery, secrets: noSecrets, now: new Date() }).batch;
  };
  const told = {
    ...{ server_time: 1, module: "Leads", operation: "insert", channel_id: "1", affected_fields: [] },
    resource_uri: "https://www.zohoapis.com/crm/v8/Leads",
  };
  expect(batchOf({ ...told, ids: ["11", "22"] })).toBe(true);
  expect(batchOf({ ...told, ids: ["11", "11"] })).toBe(false);
  expect(batchOf({ id: "5725767000000123456", owner_id: "5725767000000123457" })).toBe(false);
});
