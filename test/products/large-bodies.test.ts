import { expect, it } from "vitest";
import { readPayload } from "../../src/core/payload.ts";
import { receive } from "../../src/core/receive.ts";
import { products } from "../../src/products/index.ts";
import { posted } from "../support/deliveries.ts";
import { testSecrets as secrets } from "../support/test-secrets.ts";

const FORM = "application/x-www-form-urlencoded";
/** Without a bound each took 10 to 15 s. */
const LONGEST_MS = 8_000;

// Anybody can post such a megabyte, and all other deliveries wait while it is judged.
it.each([
  ["a form of very many names", "books", "a&".repeat(500_000), FORM],
  ["a form of very many wrappers that hold no JSON", undefined, "data=[&".repeat(140_000), FORM],
  ["a list of very many entries", undefined, `[${"1,".repeat(500_000)}1]`, "application/json"],
  ["an object of very many keys", undefined, `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`)}}`, undefined],
])("judges %s in no time", (_, id, body, type = "application/json") => {
  const product = products.find((each) => each.id === id);
  const delivery = posted(body, { type, headers: [["x-zoho-webhook-signature", "0f".repeat(32)]] });
  const startedAt = performance.now();
  receive({ products, product, delivery, secrets, now: new Date() });
  expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS);
});

it("finds the JSON that a field wraps behind others of such a name", () => {
  const read = readPayload(posted('json=%7B&data={"a":1}', { type: FORM }));
  expect(read).toMatchObject({ ok: true, payload: { data: { a: 1 }, wrappedIn: "data" } });
});
