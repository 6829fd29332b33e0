import { afterEach, expect, it } from "vitest";
import { variablesOf } from "../../src/emulator/published.ts";
import { products } from "../../src/products/index.ts";
import { openEmulatorApi } from "../support/emulator-api.ts";
import { startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.toReversed()) await each();
  close = [];
});

it("posts a fresh sample of every product, which its variables and its key set verify", async () => {
  const emulator = await openEmulatorApi([]);
  close.push(emulator.close);
  const env = { ...variablesOf(emulator.url), ZOHO_WEBHOOK_JWKS: `${emulator.url}/.well-known/jwks.json` };
  const listen = await startListener([], { cwd: tempFolder(), env });
  close.push(listen.stop);
  for (const product of products) {
    const [event] = product.formats.find(({ id }) => id === "wire")?.events ?? [];
    const name = (event?.name ?? "").replace(/<\w+>/, () => event?.members[0] ?? "");
    const order = { product: product.id, event: name, to: `${listen.url}/webhooks/zoho/${product.id}` };
    expect(await emulator.call("POST", "/_emulator/deliver", order)).toMatchObject({ status: 200 });
  }
  await emulator.deliveries.settled();
  const answers = emulator.deliveries.sent.items.map(({ product, status }) => `${product} ${status}`);
  expect(answers.toSorted()).toEqual(products.map(({ id }) => `${id} 200`).toSorted());
  const events = listen.lines().filter(({ type }) => type === "event");
  const unlike = events.filter(({ product, path, body }) => body === "invalid" || path !== `/webhooks/zoho/${product}`);
  expect(unlike).toEqual([]);
  const verified = events.flatMap(({ product, signatures }) =>
    (signatures as { result: string }[]).some(({ result }) => result === "verified") ? [product] : [],
  );
  const signed = products.filter(({ formats }) => formats.find(({ id }) => id === "wire")?.proofs.length);
  expect(verified.toSorted()).toEqual(signed.map(({ id }) => id).toSorted());
});
