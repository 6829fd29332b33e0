import { createHmac } from "node:crypto";
import { join } from "node:path";
import { Pool } from "undici";
import { expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { DEFAULT_LOG } from "../support/faults.ts";
import { folderWith } from "../support/files.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { collect } from "../support/temp-log.ts";

const SECRET = "s3cret";
/** V8 would take hours to find that the pattern does not match. */
const SCHEMA = JSON.stringify({ properties: { code: { pattern: "^(a+)+$" } } });
const BODY = JSON.stringify({ type: "paid", code: `${"a".repeat(40)}!` });
const PRODUCT = JSON.stringify({ event: "type", signature: { header: "x-shop-signature" } });

/** Without a product in the URL, all of these are as likely. */
const SHOPS = ["shop", "shop-2", "shop-3", "shop-4", "shop-5", "shop-6"];

async function startShops() {
  const products = Object.fromEntries(SHOPS.map((name) => [name, { path: name }]));
  const files = SHOPS.map((name) => ({ [`${name}/product.json`]: PRODUCT, [`${name}/schemas/paid.json`]: SCHEMA }));
  const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products }), ...Object.assign({}, ...files) });
  return { cwd, listener: await startListenProcess([], { cwd, env: { ZOHO_WEBHOOK_SECRET: SECRET } }) };
}

async function post(url: string, secret: string) {
  const signature = createHmac("sha256", secret).update(BODY).digest("hex");
  const headers = { "content-type": "application/json", "x-shop-signature": signature };
  const startedAt = performance.now();
  const response = await fetch(url, { method: "POST", body: BODY, headers });
  await response.text();
  return { status: response.status, ms: performance.now() - startedAt };
}

it("a schema with a pattern that takes hours is not run for a stranger, and stopped for the sender", async () => {
  const { cwd, listener } = await startShops();
  const url = `${listener.url}/webhooks/zoho`;
  for (const each of [`${url}/shop`, url]) {
    const { status, ms } = await post(each, "wrong");
    expect(status).toBe(401);
    expect(ms).toBeLessThan(1000);
  }
  for (const each of [`${url}/shop`, url]) {
    const { status, ms } = await post(each, SECRET);
    expect(status).toBe(200);
    expect(ms).toBeLessThan(1000);
  }
  expect((await listener.stop()).exitCode).toBe(0);
  const log = await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date(), create: false });
  const entries = await collect(log.entries({}, { order: "oldest" }));
  await log.close();
  expect(entries.map(({ accepted, schemaChecked }) => [accepted, schemaChecked])).toEqual([
    [false, false],
    [false, false],
    [true, true],
    [true, true],
  ]);
  expect(entries.map(({ issues }) => issues.map(({ received }) => received))).toEqual([
    [],
    [],
    [expect.stringContaining("stopped after 250 ms: simplify")],
    [expect.stringContaining("stopped after 250 ms: simplify")],
  ]);
});

it("listen answers others and Ctrl-C while many deliveries wait for a slow schema", async () => {
  const { listener } = await startShops();
  const postAll = () => Array.from({ length: 8 }, () => post(`${listener.url}/webhooks/zoho/shop`, SECRET));
  // A connection is accepted in each turn of the event loop, and this one shall not wait behind the others.
  const pool = new Pool(listener.url, { connections: 1 });
  onTestFinished(() => pool.destroy());
  const health = async (): Promise<number> => {
    const startedAt = performance.now();
    const { statusCode, body } = await pool.request({ path: "/healthz", method: "GET" });
    await body.dump();
    expect(statusCode).toBe(200);
    return performance.now() - startedAt;
  };
  await health();
  let answered = 0;
  const deliveries = postAll().map((each) => each.then(() => answered++));
  let worstMs = 0;
  while (answered < deliveries.length) worstMs = Math.max(worstMs, await health());
  // Eight checks of 250 ms take two seconds.
  expect(worstMs).toBeLessThan(1000);
  const waiting = postAll();
  const ended = Promise.allSettled(waiting);
  await Promise.race(waiting);
  expect((await listener.stop()).exitCode).toBe(0);
  await ended;
});
