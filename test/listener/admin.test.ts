import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DEFAULT_LOG } from "../support/faults.ts";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import type { Listener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { parseOpenMetrics } from "../support/open-metrics.ts";
import { run } from "../support/run.ts";
import { says } from "../support/target-app.ts";

function adminUrl(listener: Listener): string {
  const [ready] = listener.lines().filter(({ type }) => type === "ready");
  return /http:\S+(?=\/metrics)/.exec(JSON.stringify(ready))?.[0] ?? "";
}

async function sampleOf(url: string, name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^application\/openmetrics-text; version=1.0.0/);
  const found = parseOpenMetrics(await response.text()).find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found?.value;
}

it("serves the counts of a run as OpenMetrics", async () => {
  const target = await app(says(500));
  const down = "http://127.0.0.1:9/hook?token=SEKRET";
  const argv = [target.url, "--forward-to", down, "--admin", "0"];
  const listener = await listen(argv, { env: { ZOHO_WEBHOOK_TOKEN: "good-token", ZOHO_HOOKS_RETRY_BASE: "1h" } });
  const url = adminUrl(listener);
  const withToken = (token: string): string => JSON.stringify({ ...JSON.parse(lead(1)), token });
  await listener.post(CRM, withToken("good-token"));
  await listener.post(CRM, withToken("good-token"));
  await listener.post(CRM, withToken("wrong"));
  await listener.post("/webhooks/zoho/crm", "{");
  await target.came(2);
  await expect.poll(() => sampleOf(url, "zoho_hooks_attempts_total", { status: "500" })).toBe(2);
  expect(await sampleOf(url, "zoho_hooks_received_total", { product: "crm" })).toBe(4);
  expect(await sampleOf(url, "zoho_hooks_duplicates_total")).toBe(1);
  expect(await sampleOf(url, "zoho_hooks_rejected_total", { reason: "signature" })).toBe(1);
  expect(await sampleOf(url, "zoho_hooks_rejected_total", { reason: "unreadable" })).toBe(1);
  expect(await sampleOf(url, "zoho_hooks_append_seconds_count")).toBe(4);
  expect(await sampleOf(url, "zoho_hooks_lease_losses_total")).toBe(0);
  expect(await sampleOf(url, "zoho_hooks_waiting", { target: "http://127.0.0.1:9/hook?token=[masked]" })).toBe(2);
  expect(await sampleOf(url, "zoho_hooks_oldest_waiting_seconds")).toBeLessThan(60);
  expect(await (await fetch(`${url}/metrics`)).text()).not.toContain("SEKRET");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
  expect((await listener.stop()).exitCode).toBe(0);
});

it("counts the deliveries that failed, and says so at the end", async () => {
  const target = await app(says(404));
  const listener = await listen([target.url, "--admin", "0"]);
  await listener.post(CRM, lead(1));
  await listener.post(CRM, lead(2));
  const labels = { target: target.url };
  const given = () => sampleOf(adminUrl(listener), "zoho_hooks_deliveries_given_up_total", labels);
  await expect.poll(given).toBe(2);
  await listener.stop();
  const human = await startHumanListener([target.url]);
  await fetch(human.url + CRM, { method: "POST", headers: { "content-type": "application/json" }, body: lead(3) });
  await human.shown(/ failed$/m);
  expect((await human.stop()).err).toContain("Forwarded: 0 delivered, 1 failed\n");
});

it.skipIf(lacks("posix"))("counts deliveries that could not be recorded, and says whether they can be", async () => {
  const cwd = folderWith({});
  const listener = await listen(["--admin", "0"], { cwd });
  const url = adminUrl(listener);
  expect(await sampleOf(url, "zoho_hooks_log_up")).toBe(1);
  expect(await sampleOf(url, "zoho_hooks_append_failures_total")).toBe(0);
  rmSync(join(cwd, DEFAULT_LOG));
  expect((await listener.post(CRM, lead(1))).status).toBe(503);
  expect(await sampleOf(url, "zoho_hooks_log_up")).toBe(0);
  expect(await sampleOf(url, "zoho_hooks_append_failures_total")).toBe(1);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: "unavailable", reason: "the event log was deleted or replaced" },
  ]);
  expect(JSON.stringify(listener.lines())).toContain("/readyz answers 503: the event log ");
});

it("is ready without a log", async () => {
  const listener = await listen(["--admin", "0", "--no-store"]);
  const url = adminUrl(listener);
  for (const each of [url, listener.url]) expect((await fetch(`${each}/readyz`)).status).toBe(200);
  expect(await sampleOf(url, "zoho_hooks_log_up")).toBe(1);
});

it("opens no second port unless asked to", async () => {
  const listener = await listen([], { cwd: folderWith({}) });
  expect(adminUrl(listener)).toBe("");
  await listener.stop();
});

it("warns of an address that other machines reach", async () => {
  const listener = await listen(["--admin", "0.0.0.0:0"]);
  const { lines } = await listener.stop();
  expect(lines().flatMap(({ type, message }) => (type === "warning" ? [message] : []))).toEqual([
    expect.stringContaining("anyone who can reach http://0.0.0.0:"),
  ]);
});

it.each(["x", "127.0.0.1:", "127.0.0.1:99999", "a b:1", "http://127.0.0.1:9464"])(
  "refuses --admin %s",
  async (text) => {
    const { exitCode, err } = await run(["listen", "--admin", text]);
    expect(exitCode).toBe(2);
    expect(err).toContain("--admin");
  },
);
