import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fixture, sign, verify } from "../../src/library/index.ts";

const keys = { secret: "s3cret-of-the-app", token: "t0ken-of-the-app" };
let url = "";
let close = (): void => {};

beforeAll(async () => {
  const app = express();
  app.post("/webhooks/zoho/crm", express.raw({ type: () => true }), (req, res) => {
    const event = verify("crm", { headers: req.headers, body: req.body }, keys);
    if (event.code === "challenge") {
      res.type(event.reply.contentType).send(event.reply.body);
      return;
    }
    if (!event.ok) {
      res.status(event.genuine ? 200 : 401).send(event.reason);
      return;
    }
    res.send("OK");
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/zoho/crm`;
  close = () => void server.close();
});
afterAll(() => close());

async function post(init: RequestInit): Promise<number> {
  return (await fetch(url, { method: "POST", ...init })).status;
}

it("an Express handler accepts genuine deliveries and rejects everything else, with or without a body", async () => {
  const { headers, body } = sign("crm", fixture("crm", "Leads.create", { format: "guide" }), keys);
  expect(await post({ headers, body })).toBe(200);
  expect(await post({ headers, body: Buffer.concat([body, Buffer.from(" ")]) })).toBe(401);
  expect(await post({ body: '{"challenge":"c-81"}', headers: { "content-type": "application/json" } })).toBe(200);
  expect(await post({})).toBe(401);
  expect(await post({ body: new Uint8Array(body) })).toBe(401);
  expect(await post({ body: "", headers })).toBe(401);
});

it("verify throws for a parsed body and for missing headers", () => {
  const parsed = { headers: { "content-length": "2" }, body: {} };
  // @ts-expect-error: An object is not a raw body.
  expect(() => verify("crm", parsed, keys)).toThrow("the body is a parsed object");
  // As over HTTP/2, without a length: the body has not been read.
  const unread = { headers: { "content-type": "application/json" }, body: undefined };
  // @ts-expect-error
  expect(() => verify("crm", unread, keys)).toThrow("the body is undefined");
  // @ts-expect-error: Headers are required.
  expect(() => verify("crm", { headers: undefined, body: "{}" }, keys)).toThrow("the headers are missing");
});
