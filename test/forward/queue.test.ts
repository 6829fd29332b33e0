import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { isQueue } from "../../src/delivery/target.ts";
import { isListening } from "../../src/forward/app-health.ts";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { hasRedis, type RedisServer, startRedis } from "../support/redis.ts";
import { run, tempFolder } from "../support/run.ts";
import { selfSigned } from "../support/self-signed.ts";

const WORKER = join(import.meta.dirname, "../../examples/guide-worker/worker.js");
const JSON_TYPE = { "content-type": "application/json" };
/** Rounded to …896 as a number. */
const BODY =
  '{ "module": "Leads", "operation": "create", "ids": [4876876000001400897], "data": { "id": 4876876000001402117 } }\n';

function addressOf({ port }: RedisServer, query = "", user = "", scheme = "bullmq"): string {
  return `${scheme}://${user}127.0.0.1:${port}/zoho-webhooks${query}`;
}

/** The jobs that wait, or are done. */
async function jobsOf(
  { port }: RedisServer,
  options: { readonly password?: string; readonly db?: number } = {},
  prefix = "bull",
) {
  const connection = new Redis({ port, ...options });
  const queue = new Queue("zoho-webhooks", { connection, prefix });
  try {
    return await queue.getJobs();
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

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

describe.skipIf(!hasRedis)("a queue on Redis (skipped where redis-server is not installed)", () => {
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

  it("has every digit of an id that came as a number, and the exact bytes", async () => {
    const redis = await startRedis();
    const listener = await listen(["--forward-to", addressOf(redis)]);
    await listener.post(CRM, BODY, JSON_TYPE);
    await listener.line("forward");
    const [job] = await jobsOf(redis);
    expect(job?.data).toMatchObject({
      webhook: { ids: ["4876876000001400897"], data: { id: "4876876000001402117" } },
      webhookId: "4876876000001400897",
    });
    expect(Buffer.from(job?.data.rawBody, "base64").toString()).toBe(BODY);
  });

  it("has one job of an event that came twice, also after a restart of listen", async () => {
    const redis = await startRedis();
    const cwd = folderWith({});
    const first = await listen(["--forward-to", addressOf(redis)], { cwd });
    await first.post(CRM, lead(1), JSON_TYPE);
    await first.post(CRM, lead(1), JSON_TYPE);
    await first.post(CRM, lead(2), JSON_TYPE);
    await first.line("forward", {}, 3);
    await first.stop();
    const second = await listen(["--forward-to", addressOf(redis)], { cwd });
    await second.post(CRM, lead(1), JSON_TYPE);
    expect(await second.line("forward")).toMatchObject({ n: 4, state: "delivered" });
    const jobs = await jobsOf(redis);
    expect(jobs.map(({ data }) => data.webhook.note).sort()).toEqual(["lead 1", "lead 2"]);
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
    const argv = ["--forward-timeout", "500ms", "--retry-base", "500ms"];
    const listener = await listen(["--forward-to", addressOf(redis), ...argv]);
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
      "events export",
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

  it("has its password in the settings only: the log does not, and replay finds it", async () => {
    const redis = await startRedis("--requirepass", "SEKRET");
    const cwd = folderWith({});
    const env = { ZOHO_HOOKS_FORWARD_TO: addressOf(redis, "?db=1", ":SEKRET@") };
    const name = addressOf(redis, "?db=1");
    const listener = await listen(["--admin", "0"], { cwd, env });
    await listener.post(CRM, lead(1), JSON_TYPE);
    expect(await listener.line("forward")).toMatchObject({ target: name, state: "delivered" });
    const metricsUrl = /http:\S+\/metrics/.exec(JSON.stringify(await listener.line("ready")))?.[0] ?? "";
    const metrics = await (await fetch(metricsUrl)).text();
    expect(metrics).toContain(`zoho_hooks_attempts_total{target="${name}",status="200"} 1`);
    const folder = join(cwd, ".zoho-hooks");
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), "latin1")).not.toContain("SEKRET");
    await listener.stop();
    for (const argv of [
      ["replay", "1"],
      ["replay", "1", "--to", name],
    ])
      expect((await run(argv, { cwd, env })).exitCode).toBe(0);
    expect(await jobsOf(redis, { password: "SEKRET", db: 1 })).toHaveLength(3);
    const { exitCode, out, err } = await run(["replay", "1", "--to", name], { cwd });
    expect([exitCode, out + err]).toEqual([5, expect.stringMatching(/NOAUTH.*\n.*which the log does not keep/)]);
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), "latin1")).not.toContain("SEKRET");
  });

  it.each<[string, string[], { user?: string; query?: string }, string, string]>([
    ["a wrong password", ["--requirepass", "right"], { user: ":SEKRET@" }, "WRONGPASS", "check user and password"],
    ["no password", ["--requirepass", "right"], {}, "NOAUTH", "Redis needs a password"],
    ["an unknown database", [], { query: "?db=99" }, "DB index is out of range", "does not have"],
  ])("counts %s as a failed attempt, with the words of Redis", async (_, options, { user, query }, words, hint) => {
    const redis = await startRedis(...options);
    const listener = await listen(["--forward-to", addressOf(redis, query, user), "--retry-base", "10ms"]);
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

  it("gets a replayed delivery as a new job, and one for each product with :product", async () => {
    const redis = await startRedis();
    const cwd = folderWith({});
    const listener = await listen(["--forward-to", addressOf(redis)], { cwd });
    await listener.post(CRM, lead(1), JSON_TYPE);
    await listener.line("forward");
    const { exitCode, lines } = await run(["replay", "last", "--to", addressOf(redis), "--json"], { cwd });
    expect([exitCode, lines()[0]]).toEqual([0, expect.objectContaining({ status: 200, reply: "queued" })]);
    expect(await jobsOf(redis)).toHaveLength(2);
    const to = `bullmq://127.0.0.1:${redis.port}/:product`;
    expect((await run(["replay", "1", "--to", to], { cwd })).exitCode).toBe(0);
    const client = new Redis(redis.port);
    onTestFinished(() => client.disconnect());
    expect(await client.keys("bull:crm:meta")).toHaveLength(1);
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

  it("stands beside an app, which alone answers the sender with --respond mirror", async () => {
    const redis = await startRedis();
    const { url } = await app((response) => void response.end("from the app"));
    const to = ["--forward-to", url, "--forward-to", addressOf(redis)];
    const listener = await listen([...to, "--respond", "mirror"]);
    expect((await listener.post(CRM, lead(1), JSON_TYPE)).text).toBe("from the app");
    await listener.line("forward", { state: "delivered" });
    expect(await jobsOf(redis)).toHaveLength(1);
  });
});

describe("a target that is a queue", () => {
  const TO = "bullmq://127.0.0.1:1/q";

  it.each([
    [["listen", "--forward-to", TO, "--respond", "mirror"], "has no answer for the sender"],
    [["listen", "3000", "--route", `crm:*=${TO}`, "--respond", "mirror"], "has no answer for the sender"],
    [["send", "crm", "Leads.create", "--to", TO], "a queue gets what listen receives"],
    [["check", TO], "a queue gets what listen receives"],
  ])("is refused by %j", async (argv, message) => {
    const { exitCode, err } = await run(argv);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it.each([
    "bullmq://SEKRET",
    "bullmq:///SEKRET",
    "bullmq://:SEKRET@host:0/q",
    "bullmq://:SEKRET@host:6379/",
    "bullmq://:SEKRET@host/a/b",
    "bullmq://:SEKRET@host/a%3Ab",
    "bullmq://SEKRET@host/q",
    "bullmq://:SEK/RET@host/q",
    "bullmq://:%SEKRET@host/q",
    "bullmq://:SEKRET@host/q#x",
    "bullmq://:SEKRET@host/q?DB=1",
    "bullmq://:SEKRET@host/q?db=-1",
    "bullmq://:SEKRET@host/q?prefix=",
  ])("is refused where its address is wrong, which is not shown: %s", async (to) => {
    expect(isQueue(to)).toBe(true);
    const { exitCode, err } = await run(["listen", "--forward-to", to]);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^error: --forward-to: the address of the queue /)]);
    expect(err).not.toMatch(/SEK|RET/);
  });

  it("needs trust when a project names it, even on this machine", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ routes: { "crm:*": "bullmq://:SEKRET@localhost/q" } }),
    });
    const { exitCode, err } = await run(["listen", "--port", "0"], { cwd, env: { ZOHO_HOOKS_TRUST: "0" } });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("its files decide: routes bullmq://localhost\n")]);
    expect(err).not.toContain("SEKRET");
  });
});
