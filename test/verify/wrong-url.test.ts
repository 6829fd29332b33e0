import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { startListener } from "../support/listener.ts";

const INVOICE = readFileSync("fixtures/books/guide/invoice_created.json", "utf8");

const HINT = "this looks like books invoice_created, which should be posted to the URL of books";

it("an event on the URL of another product: listen says whose it is", async () => {
  const listener = await startListener();
  expect((await listener.post("/webhooks/zoho/crm", INVOICE)).status).toBe(200);
  expect((await listener.event(1)).hint).toBe(HINT);
  expect((await listener.post("/webhooks/zoho/desk", '{"event":"lunch"}')).status).toBe(200);
  expect((await listener.event(2)).hint).toBeNull();
  await listener.stop();
});
