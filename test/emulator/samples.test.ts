import { afterEach, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { products } from "../../src/products/index.ts";
import { openEmulatorApi } from "../support/emulator-api.ts";
import { startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.toReversed()) await each();
  close = [];
});

const KEY = "s3cretOfTheProject";
const keys = [secret(KEY, "the key")];
/** Of a project with these keys. */
const secrets = {
  for: (credential: string) => (["secret", "token", "hookSecret"].includes(credential) ? keys : []),
  all: () => keys,
};

it("posts a fresh sample of every product, signed with the project's keys", async () => {
  const emulator = await openEmulatorApi([], { secrets });
  close.push(emulator.close);
  const env = {
    ZOHO_WEBHOOK_SECRET: KEY,
    ZOHO_WEBHOOK_TOKEN: KEY,
    ZOHO_WEBHOOK_HOOK_SECRET: KEY,
    ZOHO_WEBHOOK_JWKS: `${emulator.url}/.well-known/jwks.json`,
  };
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
  const results = events.flatMap(({ signatures }) => signatures as { id: string; result: string }[]);
  expect(results.filter(({ result }) => result === "wrong_signature")).toEqual([]);
  const verified = results.filter(({ result }) => result === "verified").map(({ id }) => id);
  expect(verified).toEqual(expect.arrayContaining(["desk-token", "sign-signature", "finance-signature", "token"]));
});
