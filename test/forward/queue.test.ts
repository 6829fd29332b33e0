import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { isQueue } from "../../src/delivery/target.ts";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { lacks } from "../support/needs.ts";
import { addressOf, jobsOf, startRedis } from "../support/redis.ts";
import { run } from "../support/run.ts";

const JSON_TYPE = { "content-type": "application/json" };
/** Rounded to …896 as a number. */
const BODY =
  '{ "module": "Leads", "operation": "create", "ids": [4876876000001400897], "data": { "id": 4876876000001402117 } }\n';

describe.skipIf(lacks("redis-server"))("a queue on Redis", () => {
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
