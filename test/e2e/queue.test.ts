import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { isListening } from "../../src/forward/app-health.ts";
import { folderWith } from "../support/files.ts";
import { CRM, lead, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { lacks } from "../support/needs.ts";
import { addressOf, jobsOf, type RedisServer, startRedis } from "../support/redis.ts";
import { run, tempFolder } from "../support/run.ts";
import { selfSigned } from "../support/self-signed.ts";

const WORKER = join(import.meta.dirname, "../../examples/guide-worker/worker.js");
const JSON_TYPE = { "content-type": "application/json" };

/** The guide's worker in `examples/`, with the lines that it prints, errors as well. */
function startWorker({ port }: RedisServer): readonly string[] {
  const env = { PATH: process.env.PATH, REDIS_URL: `redis://127.0.0.1:${port}` };
  const child = spawn(process.execPath, [WORKER], { env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", (line) => lines.push(line));
  return lines;
}

const sample = (path: string): string => readFileSync(`fixtures/${path}.json`, "utf8");

/** Samples, and what the guide's worker prints for each. */
const BRANCHES: Readonly<Record<string, RegExp>> = {
  "crm/guide/Leads.create": /^New lead: Mei Tanaka$/,
  "crm/guide/Leads.update": /^Lead updated: \d{19}$/,
  "crm/guide/Deals.edit": /^Deal stage changed: \w/,
  "crm/guide/Tasks.create": /^Unhandled CRM module: Tasks$/,
  "desk/guide/Ticket.Create": /^New ticket: \w/,
  "desk/guide/Ticket.Update": /^Ticket updated: \d+$/,
  "desk/guide/Ticket.Close": /^Ticket closed: \d+$/,
  "desk/guide/Ticket.Delete": /^Unhandled Desk event: Ticket\.Delete$/,
  "books/guide/invoice_created": /^Invoice created: INV-\d+$/,
  "books/guide/payment_received": /^Payment received: /,
  "books/guide/bill_created": /^Unhandled Books event: bill_created$/,
  "projects/guide/task_created": /^Unknown product: projects$/,
  "crm/wire/Contacts.create": /^CRM Contacts insert: [\d, ]+ \(ids only: /,
  "crm/wire/Deals.edit": /^CRM Deals update: \d{19} \(ids only: /,
  "desk/wire/Ticket_Add": /^Unhandled Desk event: undefined$/,
  "books/wire/invoice": /^Unhandled Books event: undefined$/,
};

describe.skipIf(lacks("redis-server"))("a queue on Redis", () => {
  it("gives the guide's worker a signed delivery as the guide's job", async () => {
    const redis = await startRedis();
    const secret = "s3cret-of-the-guide";
    const listener = await listen(["--forward-to", addressOf(redis)], { env: { ZOHO_WEBHOOK_SECRET: secret } });
    const lines = startWorker(redis);
    // The guide signs the re-serialised body.
    const body = JSON.stringify({ ...JSON.parse(lead(7)), ids: ["4876876000001400897"] });
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    expect((await listener.post(CRM, body, { ...JSON_TYPE, "x-zoho-signature": signature })).status).toBe(200);
    await expect
      .poll(() => lines, { timeout: 15_000 })
      .toEqual([
        "Processing crm webhook: 4876876000001400897",
        "CRM Leads create: 4876876000001402117",
        "New lead: Mei Tanaka",
        "Webhook processed successfully: 4876876000001400897",
      ]);
    const event = await listener.event(1);
    expect(event.signatures).toContainEqual(expect.objectContaining({ covers: "body", result: "verified" }));
    const [job] = await jobsOf(redis);
    expect(job).toMatchObject({
      id: `zoho-1-${Date.parse(String(event.at))}`,
      name: "crm",
      data: {
        product: "crm",
        webhook: JSON.parse(body),
        webhookId: "4876876000001400897",
        receivedAt: event.at,
        rawBody: Buffer.from(body).toString("base64"),
      },
      opts: { attempts: 3, backoff: { type: "exponential", delay: 2000 } },
    });
    expect(await listener.line("forward")).toMatchObject({ attempt: 1, status: 200, error: null, state: "delivered" });
  });

  it("gives the guide's worker deliveries for each of its branches, also bodies without the guide's members", async () => {
    const redis = await startRedis();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    const lines = startWorker(redis);
    for (const path of Object.keys(BRANCHES)) {
      const [product = ""] = path.split("/");
      await listener.post(`/webhooks/zoho/${product}`, sample(path), JSON_TYPE);
    }
    const ended = () => lines.filter((line) => /^(Webhook processed successfully|Error)/.test(line));
    await expect.poll(ended, { timeout: 15_000 }).toHaveLength(Object.keys(BRANCHES).length);
    expect(ended()).not.toContainEqual(expect.stringContaining("Error"));
    for (const line of Object.values(BRANCHES)) expect(lines).toContainEqual(expect.stringMatching(line));
  });

  it("keeps deliveries in the log without an attempt while Redis is down", async () => {
    const redis = await startRedis();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    await listener.post(CRM, lead(1), JSON_TYPE);
    await listener.line("forward");
    await redis.stop();
    await listener.post(CRM, lead(2), JSON_TYPE);
    await listener.post(CRM, lead(3), JSON_TYPE);
    const server = `bullmq://127.0.0.1:${redis.port}`;
    const reason = `nothing listens on 127.0.0.1:${redis.port}`;
    expect(await listener.line("target", { state: "down" })).toMatchObject({ target: server, reason });
    await redis.start();
    expect(await listener.line("target", { state: "up" })).toMatchObject({ target: server, waiting: 2 });
    await listener.line("forward", {}, 3);
    expect(listener.lines().filter(({ type }) => type === "forward")).toEqual(
      [1, 2, 3].map((n) => expect.objectContaining({ n, attempt: 1, state: "delivered" })),
    );
    expect((await jobsOf(redis)).map(({ data }) => data.webhook.note).sort()).toEqual(["lead 1", "lead 2", "lead 3"]);
  });

  it("gets what was under way when Redis was killed as a first attempt", async () => {
    const redis = await startRedis();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    await listener.post(CRM, lead(1), JSON_TYPE);
    await listener.line("forward");
    redis.pause();
    await listener.post(CRM, lead(2), JSON_TYPE);
    await redis.stop("SIGKILL");
    await listener.line("target", { state: "down" });
    await redis.start();
    expect(await listener.line("forward", { n: 2 })).toMatchObject({ attempt: 1, state: "delivered" });
  });

  it("is left without a warning of Node, however many jobs are under way when Redis is killed", async () => {
    const redis = await startRedis();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warn);
    onTestFinished(() => void process.off("warning", warn));
    await listener.post(CRM, lead(1), JSON_TYPE);
    await listener.line("forward");
    redis.pause();
    await Promise.all(Array.from({ length: 16 }, (_, i) => listener.post(CRM, lead(2 + i), JSON_TYPE)));
    await redis.stop("SIGKILL");
    await listener.line("target", { state: "down" });
    await redis.start();
    for (let n = 2; n <= 17; n++) await listener.line("forward", { n, state: "delivered" });
    expect(warnings).toEqual([]);
  });

  it("gets one job from several attempts at a Redis that is silent for a while", async () => {
    const redis = await startRedis();
    const env = { ZOHO_HOOKS_FORWARD_TIMEOUT: "500ms", ZOHO_HOOKS_RETRY_BASE: "500ms" };
    const listener = await listen(["--forward-to", addressOf(redis)], { env });
    await listener.post(CRM, lead(1), JSON_TYPE);
    await listener.line("forward");
    redis.pause();
    await listener.post(CRM, lead(2), JSON_TYPE);
    const { error } = await listener.line("forward", { n: 2, state: "retry" });
    expect(error).toBe(`127.0.0.1:${redis.port} did not answer within 500 ms`);
    redis.resume();
    await listener.line("forward", { n: 2, state: "delivered" });
    expect(await jobsOf(redis)).toHaveLength(2);
  });

  it("is reached with user, password, database and prefix, which no output shows", async () => {
    const redis = await startRedis("--user", "zoho", "on", ">p@ss/SEKRET", "~*", "+@all", "--requirepass", "other");
    const cwd = folderWith({});
    const to = addressOf(redis, "?db=3&prefix=%7Bapp%7D", "zoho:p%40ss%2FSEKRET@");
    const env = { ZOHO_HOOKS_ROUTES: `crm:*=${to}` };
    const listener = await listen(["--forward-to", to], { cwd, env });
    await listener.post(`${CRM}?own=1`, lead(1), JSON_TYPE);
    expect(await listener.line("forward")).toMatchObject({ state: "delivered" });
    const jobs = await jobsOf(redis, { password: "other", db: 3 }, "{app}");
    expect(jobs.map(({ data }) => data.webhook.note)).toEqual(["lead 1"]);
    await redis.stop();
    await listener.post(CRM, lead(2), JSON_TYPE);
    await listener.line("target", { state: "down" });
    const { out, err } = await listener.stop();
    const others = [
      "events show 1",
      "events show 1 --json",
      "events list --json",
      "events show 1 --curl",
      "config show",
      "doctor",
      "stats",
    ];
    const runs = await Promise.all(others.map((words) => run(words.split(" "), { cwd, env })));
    const all = [out, err, ...runs.flatMap((each) => [each.out, each.err])].join("\n");
    expect(all).toContain("bullmq://[masked]@127.0.0.1");
    expect(all).toContain(`nothing listens on bullmq://127.0.0.1:${redis.port}`);
    expect(all).not.toContain("SEKRET");
  });

  it.each<[string, string[], { user?: string; query?: string }, string, string]>([
    ["a wrong password", ["--requirepass", "right"], { user: ":SEKRET@" }, "WRONGPASS", "check user and password"],
    ["no password", ["--requirepass", "right"], {}, "NOAUTH", "Redis needs a password"],
    ["an unknown database", [], { query: "?db=99" }, "DB index is out of range", "does not have"],
  ])("counts %s as a failed attempt, with the words of Redis", async (_, options, { user, query }, words, hint) => {
    const redis = await startRedis(...options);
    const listener = await listen(["--forward-to", addressOf(redis, query, user)], {
      env: { ZOHO_HOOKS_RETRY_BASE: "10ms" },
    });
    await listener.post(CRM, lead(1), JSON_TYPE);
    expect(await listener.line("forward")).toMatchObject({ attempt: 1, status: null, state: "retry" });
    const failed = await listener.line("forward", { state: "failed" });
    expect(failed).toMatchObject({
      attempt: 4,
      error: expect.stringContaining(`127.0.0.1:${redis.port} refused the job: `),
      hint: expect.stringContaining(hint),
    });
    expect(failed.error).toContain(words);
    expect(JSON.stringify(listener.lines())).not.toContain("SEKRET");
  });

  it.each<[string, string[], string[], string, string]>([
    ["is a replica", ["--replicaof", "127.0.0.1 1"], ["REPLICAOF", "NO", "ONE"], "READONLY", "name the primary"],
    ["is full", ["--maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "OOM", "raise maxmemory"],
  ])("keeps deliveries in the log without an attempt while Redis %s", async (_, options, repair, words, hint) => {
    const redis = await startRedis(...options);
    const listener = await listen(["--forward-to", addressOf(redis)]);
    await listener.post(CRM, lead(1), JSON_TYPE);
    const { reason } = await listener.line("target", { state: "down" });
    expect(reason).toMatch(new RegExp(`^127.0.0.1:${redis.port} refused the job: ${words} .*${hint}`));
    await listener.post(CRM, lead(2), JSON_TYPE);
    const client = new Redis(redis.port);
    onTestFinished(() => client.disconnect());
    await client.call(...(repair as [string]));
    expect(await listener.line("target", { state: "up" })).toMatchObject({ target: addressOf(redis) });
    await listener.line("forward", {}, 2);
    expect(listener.lines().filter(({ type }) => type === "forward")).toEqual(
      [1, 2].map((n) => expect.objectContaining({ n, attempt: 1, state: "delivered" })),
    );
  });

  it("keeps deliveries in the log while Redis reads its data after a start", async () => {
    // Microseconds for each key. Between keys it answers, if they are in a snapshot.
    const slow = ["--key-load-delay", "250000", "--loading-process-events-interval-bytes", "1024"];
    const redis = await startRedis("--appendonly", "no", ...slow);
    const client = new Redis(redis.port);
    for (let i = 0; i < 6; i++) await client.set(`key${i}`, randomBytes(2048));
    await client.call("SAVE");
    client.disconnect();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    await redis.stop();
    const started = redis.start();
    await expect.poll(() => isListening(`redis://127.0.0.1:${redis.port}`)).toBe(true);
    await listener.post(CRM, lead(1), JSON_TYPE);
    const { reason } = await listener.line("target", { state: "down" });
    expect(reason).toContain("LOADING");
    await started;
    expect(await listener.line("forward")).toMatchObject({ attempt: 1, state: "delivered" });
  });

  it("is reached over TLS, and only with a certificate that is known", async () => {
    const folder = tempFolder();
    for (const name of ["key", "cert"] as const) writeFileSync(join(folder, name), selfSigned[name]);
    const files = ["--tls-cert-file", join(folder, "cert"), "--tls-key-file", join(folder, "key")];
    const redis = await startRedis("--tls-port", "--tls-auth-clients", "no", ...files);
    const to = addressOf(redis, "", "", "bullmqs");
    const strict = await listen(["--forward-to", to, "--retries", "0"]);
    await strict.post(CRM, lead(1), JSON_TYPE);
    expect((await strict.line("forward")).error).toContain("is not signed by a known authority");
    const plain = await listen(["--forward-to", addressOf(redis), "--retries", "0"]);
    await plain.post(CRM, lead(1), JSON_TYPE);
    expect((await plain.line("forward")).hint).toContain("bullmqs://");
    const listener = await listen(["--forward-to", to, "--insecure"]);
    await listener.post(CRM, lead(1), JSON_TYPE);
    expect(await listener.line("forward")).toMatchObject({ error: null, state: "delivered" });
  });

  it("is called a queue, and not an app, on a terminal", async () => {
    const redis = await startRedis();
    await redis.stop();
    const cwd = folderWith({});
    const { url, shown, stop } = await startHumanListener(["--forward-to", addressOf(redis)], { cwd });
    await fetch(url + CRM, { method: "POST", body: lead(1), headers: JSON_TYPE });
    await shown(/#1 .* Leads.create/);
    await redis.start();
    await shown(/#1 .*→ queued/);
    const { err } = await stop();
    expect(err).toMatch(/! the queue is down: nothing listens on .*✓ the queue is back after/s);
    const { out } = await run(["events", "show", "1"], { cwd });
    expect(out).toMatch(/→ queued .*\n +answer: queued as zoho-1-\d+/);
  });
});
