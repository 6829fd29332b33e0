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
    emulator.deliverSample({ product: product.id, event: name, to: `${listen.url}/webhooks/zoho/${product.id}` });
  }
  await emulator.deliveries.settled();
  const answers = emulator.deliveries.sent.items.map(({ product, status }) => `${product} ${status}`);
  expect(answers.toSorted()).toEqual(products.map(({ id }) => `${id} 200`).toSorted());
  const events = listen.lines().filter(({ type }) => type === "event");
  const unlike = events.filter(({ product, path, body }) => body === "invalid" || path !== `/webhooks/zoho/${product}`);
  expect(unlike).toEqual([]);
  const results = events.flatMap(({ signatures }) => signatures as { id: string; result: string }[]);
  expect(results.filter(({ result }) => result === "not_verified")).toEqual([]);
  const verified = results.filter(({ result }) => result === "verified").map(({ id }) => id);
  expect(verified).toEqual(expect.arrayContaining(["desk-token", "sign-signature", "finance-signature", "token"]));
});

it.each([
  [{ product: "dsk", event: "Ticket_Add" }, 'there is no product "dsk"', "did you mean desk?"],
  [{ product: "desk", event: "Ticket_Ad" }, 'desk has no event "Ticket_Ad"', "did you mean Ticket_Add"],
  [{ product: "crm", event: "<Module>.create" }, "stands for many events", "such as"],
  [{ product: "desk", event: "Ticket_Add", format: "guid" }, 'desk has no format "guid"', "formats: wire, guide"],
  [{ product: "desk", event: "Ticket_Add", to: "http//x" }, "http//x", "write it as"],
])("names the nearest for %j", async (order, message, hint) => {
  const emulator = await openEmulatorApi([]);
  close.push(emulator.close);
  expect(() => emulator.deliverSample({ to: "http://127.0.0.1:9/", ...order })).toThrow(
    expect.objectContaining({ message: expect.stringContaining(message), hint: expect.stringContaining(hint) }),
  );
});
