import { expect, it } from "vitest";
import { receive } from "../../src/core/receive.ts";
import { noSecrets } from "../../src/core/secret.ts";
import { products } from "../../src/products/index.ts";

function receiptOf(body: unknown) {
  return receive({
    products,
    delivery: { method: "POST", url: "/", headers: [], body: Buffer.from(JSON.stringify(body)) },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
}

it("takes a challenge for a challenge", () => {
  expect(receiptOf({ challenge: "c-81" }).handshake?.body).toBe('{"challenge":"c-81"}');
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
