import { createHmac, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, leadNumber, listen } from "../support/forward-run.ts";
import { startInspector, userEnv } from "../support/inspector.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { type RunResult, run } from "../support/run.ts";

const HOOK_SECRET = "a-hook-secret-of-zoho-mail";
const MESSAGE = '{"messageId":"1"}';
const JSON_TYPE = { "content-type": "application/json" };
const KEY = { ZOHO_HOOKS_STORE_KEY: "a long random text of the tests" };

const hookSignature = (body: string, secret: string): string =>
  createHmac("sha256", secret).update(body).digest("base64");

/** A log of its own, with a password in its address. */
async function newLog(): Promise<string> {
  return (await sharedAddress(randomUUID())).replace("postgres@", "postgres:SEKRET@");
}

/** A receiver or worker in a folder of its own. */
const member = (store: string, argv: readonly string[], env: Record<string, string> = {}): Promise<Listener> =>
  listen([...argv, "--store", store], { cwd: folderWith({}), env });

/** `--role deliver` opens no port, so it takes none. */
async function worker(store: string, target: string, argv: readonly string[] = []): Promise<Listener> {
  return startListener([target, "--role", "deliver", "--store", store, ...argv], {
    hasPort: false,
    cwd: folderWith({}),
  });
}

const inStore = (store: string, argv: readonly string[]): Promise<RunResult> =>
  run(argv, { cwd: folderWith({}), env: { ZOHO_HOOKS_STORE: store } });

describe.skipIf(lacks("postgresql"))("processes on one log in PostgreSQL", () => {
  it("have no password of a queue in the log", async () => {
    const store = await newLog();
    const receiver = await member(store, ["bullmq://user:SEKRET@127.0.0.1:1/queue", "--role", "receive"]);
    await receiver.post(CRM, lead(1), JSON_TYPE);
    expect(await runSql(store, "SELECT DISTINCT target FROM forwards")).toMatchObject([
      { target: "bullmq://127.0.0.1:1/queue" },
    ]);
  });

  it("divide the work: two receive, one delivers", async () => {
    const store = await newLog();
    const target = await app();
    const receivers = [
      await member(store, [target.url, "--role", "receive"]),
      await member(store, [target.url, "--role", "receive"]),
    ];
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        expect((await receivers[i % 2]?.post(CRM, lead(i), JSON_TYPE))?.status).toBe(200);
      }),
    );
    expect(target.seen).toHaveLength(0);
    const delivers = await worker(store, target.url);
    expect(delivers.lines().find(({ type }) => type === "ready")).toMatchObject({
      role: "deliver",
      url: null,
      urls: {},
    });
    await target.came(20);
    await receivers[0]?.post(CRM, lead(20), JSON_TYPE);
    const seen = await target.came(21);
    expect(seen.map(leadNumber).sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => i));
    const { exitCode, lines } = await delivers.stop();
    expect(exitCode).toBe(0);
    expect(lines().at(-1)).toMatchObject({ type: "summary", forwards: { delivered: 21, failed: 0, waiting: 0 } });
    const argv = [
      "listen",
      target.url,
      "--role",
      "deliver",
      "--store",
      store,
      "--timeout",
      "1ms",
      "-v",
      "--admin",
      "0",
    ];
    const { err } = await run(argv, { cwd: folderWith({}) });
    expect(err).toMatch(/Summary after .*\nForwarded: 0 delivered, 0 failed\n$/);
    expect(err).toMatch(/^ {2}metrics +http:\/\/127.0.0.1:\d+\/metrics$/m);
    expect(err).not.toContain("Products:");
  });

  it("mark a repeat that another receiver got", async () => {
    const store = await newLog();
    const [one, two] = [await member(store, []), await member(store, [])];
    await one.post(CRM, lead(1), JSON_TYPE);
    await two.post(CRM, lead(1), JSON_TYPE);
    expect(await two.event(2)).toMatchObject({ duplicate_of: 1 });
  });

  it("share the secret that Mail hands to one of them", async () => {
    const store = await newLog();
    const [one, two] = [await member(store, [], KEY), await member(store, [], KEY)];
    const post = (to: Listener, headers: object) =>
      to.post("/webhooks/zoho/mail", MESSAGE, { ...JSON_TYPE, ...headers });
    expect((await post(one, { "x-hook-secret": HOOK_SECRET })).status).toBe(200);
    const signed = { "x-hook-signature": hookSignature(MESSAGE, HOOK_SECRET) };
    await expect
      .poll(async () => {
        await post(two, signed);
        return two
          .lines()
          .filter(({ type }) => type === "event")
          .at(-1);
      })
      .toMatchObject({ status: 200, signatures: [{ result: "verified" }] });
    expect((await post(two, { "x-hook-signature": hookSignature(MESSAGE, "another") })).status).toBe(401);
    // Whoever sends another one afterwards, to whichever receiver, is not believed.
    expect((await post(two, { "x-hook-secret": "a-strangers-secret" })).status).toBe(401);
    const later = await member(store, [], KEY);
    await post(later, signed);
    expect(
      later
        .lines()
        .filter(({ type }) => type === "event")
        .at(-1),
    ).toMatchObject({ signatures: [{ result: "verified" }] });
    const stored = JSON.stringify(await runSql(store, "SELECT name, encode(value, 'escape') AS value FROM secrets"));
    expect(stored).toContain("secret:mail:hookSecret");
    expect(stored).not.toContain(HOOK_SECRET);
  });

  it("do not accept it where the user has configured another one", async () => {
    const store = await newLog();
    const one = await member(store, [], KEY);
    const post = (to: Listener, headers: object) =>
      to.post("/webhooks/zoho/mail", MESSAGE, { ...JSON_TYPE, ...headers });
    expect((await post(one, { "x-hook-secret": HOOK_SECRET })).status).toBe(200);
    // Started later, it has read what is shared.
    const own = await member(store, [], { ...KEY, ZOHO_WEBHOOK_HOOK_SECRET_MAIL: "the-users-own" });
    const signed = { "x-hook-signature": hookSignature(MESSAGE, HOOK_SECRET) };
    expect((await post(own, signed)).status).toBe(401);
    expect((await post(one, signed)).status).toBe(200);
  });

  it("believe only one of two that offer Mail's secret to two receivers at once", async () => {
    const store = await newLog();
    const both = [await member(store, [], KEY), await member(store, [], KEY)];
    const answers = await Promise.all(
      both.map((each, i) =>
        each.post("/webhooks/zoho/mail", MESSAGE, { ...JSON_TYPE, "x-hook-secret": `secret-${i}-of-mail` }),
      ),
    );
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  });

  it.each([
    ["without the key", {}, "ZOHO_HOOKS_STORE_KEY is not set"],
    [
      "with the key in the project's .env only",
      { ".env": "ZOHO_HOOKS_STORE_KEY=known-to-whoever-made-the-clone\n" },
      "ZOHO_HOOKS_STORE_KEY is not set",
    ],
  ])("refuse Mail's secret %s, and say why", async (_, files, reason) => {
    const listener = await listen(["--store", await newLog()], { cwd: folderWith(files) });
    const offered = await listener.post("/webhooks/zoho/mail", MESSAGE, { ...JSON_TYPE, "x-hook-secret": HOOK_SECRET });
    expect(offered.status).toBe(503);
    expect((await listener.line("warning")).message).toContain(reason);
    expect((await listener.line("ready")).notes).toContainEqual(expect.stringContaining(reason));
  });

  it("end with another key than the others have", async () => {
    const store = await newLog();
    const first = await member(store, [], KEY);
    await first.post("/webhooks/zoho/mail", MESSAGE, { ...JSON_TYPE, "x-hook-secret": HOOK_SECRET });
    const { exitCode, err } = await run(["listen", "--port", "0", "--store", store], {
      cwd: folderWith({}),
      env: { ZOHO_HOOKS_STORE_KEY: "another" },
    });
    expect(exitCode).toBe(2);
    expect(err).toContain("cannot be decrypted with ZOHO_HOOKS_STORE_KEY");
  });

  it("end with another key than the first one has, before there is a secret", async () => {
    const store = await newLog();
    await member(store, [], KEY);
    const { exitCode, err } = await run(["listen", "--port", "0", "--store", store], {
      cwd: folderWith({}),
      env: { ZOHO_HOOKS_STORE_KEY: "another" },
    });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("cannot be decrypted with ZOHO_HOOKS_STORE_KEY")]);
  });

  it("warn without the key that another one has, since they check less", async () => {
    const store = await newLog();
    const without = await member(store, []);
    await member(store, [], KEY);
    const { message, hint } = await without.line("warning");
    expect(message).toMatch(/accepted that they reject: .*ZOHO_HOOKS_STORE_KEY is not set/);
    expect(hint).toContain("set it to the same");
  });

  it("are listed by store status, with what waits", async () => {
    const store = await newLog();
    const receiver = await member(store, ["http://127.0.0.1:9/hook?token=SEKRET2", "--role", "receive"]);
    await receiver.post(CRM, lead(1), JSON_TYPE);
    const { exitCode, lines } = await inStore(store, ["store", "status", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines()).toMatchObject([
      {
        type: "store",
        server_version: expect.stringMatching(/^\d+/),
        receivers: [{ pid: process.pid, role: "receive", url: receiver.url }],
        waiting: [{ target: "http://127.0.0.1:9/hook?token=[masked]", count: 1 }],
      },
    ]);
    const { out } = await inStore(store, ["store", "status"]);
    expect(out).toContain(`receive: process ${process.pid}`);
    expect(out).toMatch(/waiting +1 for http/);
    expect(out).not.toContain("SEKRET");
  });
});

describe.skipIf(lacks("postgresql"))("a command on a log in PostgreSQL", () => {
  it("works as on a file, and never shows the password", async () => {
    const store = await newLog();
    const target = await app();
    const cwd = folderWith({});
    const outputs: string[] = [];
    const on = async (argv: readonly string[], exitCode = 0): Promise<RunResult> => {
      const result = await run(argv, { cwd, env: { ZOHO_HOOKS_STORE: store } });
      outputs.push(result.out, result.err);
      expect([argv.join(" "), result.exitCode, result.exitCode === exitCode ? "" : result.err]).toEqual([
        argv.join(" "),
        exitCode,
        "",
      ]);
      return result;
    };
    expect((await on(["events", "list"], 2)).err).toContain("there is no event log at postgres://[masked]@");
    expect((await on(["store", "status"], 2)).err).toContain("there is no event log at");
    expect((await on(["store", "init"])).out).toContain("was created");
    expect((await on(["store", "init"])).out).toContain("exists already");
    expect((await on(["events", "list"])).err).toContain("postgres://[masked]@");
    const listener = await listen([target.url, "--store", store, "-v"], { cwd });
    for (let i = 0; i < 3; i++) await listener.post(CRM, lead(i), JSON_TYPE);
    await target.came(3);
    expect((await on(["events", "list"])).out).toContain("#3");
    expect((await on(["events", "show", "last"])).out).toContain("lead 2");
    expect((await on(["events", "stats", "--json"])).lines()).toMatchObject([{ received: 3 }]);
    expect((await on(["events", "diff", "1", "2"])).out).toContain("lead");
    expect((await on(["events", "drift"])).exitCode).toBe(0);
    expect((await on(["events", "list", "--all", "--json"])).lines()).toHaveLength(3);
    const followed = new AbortController();
    const following = run(["events", "list", "--follow", "--limit", "1", "--json"], {
      cwd,
      env: { ZOHO_HOOKS_STORE: store },
      signal: followed.signal,
      onOut(text) {
        if (text.includes('"n":3,')) void listener.post(CRM, lead(3), JSON_TYPE);
        if (text.includes('"n":4,')) followed.abort();
      },
    });
    const followedEvents = (await following).lines().filter(({ type }) => type === "event");
    expect(followedEvents.map(({ n }) => n)).toEqual([3, 4]);
    outputs.push((await following).err);
    await on(["replay", "last", "--to", target.url]);
    await target.came(5);
    expect((await on(["verify", "--logged", "1"], 6)).out).toContain("? #1");
    await on(["types", "--observed"]);
    expect((await on(["events", "show", "99"], 2)).err).toContain("postgres://[masked]@");
    expect((await on(["events", "prune", "--keep", "1h"])).exitCode).toBe(0);
    expect((await run(["doctor"], { cwd, env: { ZOHO_HOOKS_STORE: store } })).out).toContain("PostgreSQL");
    outputs.push((await run(["config", "show"], { cwd, env: { ZOHO_HOOKS_STORE: store } })).out);
    const { out, err } = await listener.stop();
    expect([...outputs, out, err].join("")).not.toContain("SEKRET");
  });
});

it.skipIf(lacks("postgresql"))(
  "the inspector shows and replays what a log in PostgreSQL has, and follows it",
  async () => {
    const store = await newLog();
    const target = await app();
    const listener = await member(store, []);
    await listener.post(CRM, lead(1), JSON_TYPE);
    const inspector = await startInspector([], {
      cwd: folderWith({}),
      env: { ...userEnv(), ZOHO_HOOKS_STORE: store, ZOHO_HOOKS_FORWARD_TO: target.url },
    });
    expect((await inspector.get("/api/events?search=lead+1")).json()).toMatchObject({
      events: [{ n: 1, product: "crm" }],
    });
    expect((await inspector.get("/api/events/1")).text).toContain("lead 1");
    const stream = await inspector.stream();
    await listener.post(CRM, lead(2), JSON_TYPE);
    await stream.until(() => stream.numbers().includes(2));
    stream.close();
    expect((await inspector.post("/api/replay", { n: 1, to: target.url })).status).toBe(200);
    await target.came(1);
    const { out, err } = await inspector.stop();
    expect([(await listener.stop()).out, out, err].join("")).not.toContain("SEKRET");
  },
);

it("shows of a SQLite log that it is a file", async () => {
  const cwd = folderWith({});
  const listener = await listen([], { cwd });
  await listener.post(CRM, lead(1), JSON_TYPE);
  const { lines } = await run(["store", "status", "--json"], { cwd });
  expect(lines()).toMatchObject([{ type: "store", server_version: null, receivers: [{ pid: process.pid }] }]);
  const { exitCode, err } = await run(["store", "init"], { cwd });
  expect([exitCode, err]).toEqual([2, expect.stringContaining("is a file: listen creates it by itself")]);
});

it("says where PostgreSQL cannot be reached, without the password", async () => {
  const { exitCode, err } = await run(["listen", "--port", "0", "--store", "postgres://u:SEKRET@127.0.0.1:1/x"]);
  expect(exitCode).toBe(2);
  expect(err).toContain("the event log postgres://[masked]@127.0.0.1:1/x cannot be reached");
});

it.each([
  [
    "another scheme",
    "mysql://u:SEKRET@127.0.0.1/x",
    "the setting store (flag) is neither a file nor the address of a PostgreSQL database",
  ],
  [
    "one slash",
    "postgres:/u:SEKRET@127.0.0.1/x",
    "the setting store (flag) is neither a file nor the address of a PostgreSQL database",
  ],
  [
    "no colon",
    "postgres//u:SEKRET@127.0.0.1/x",
    "the setting store (flag) is neither a file nor the address of a PostgreSQL database",
  ],
  ["# in the password", "postgres://u:SEK#RET@127.0.0.1/x", "cannot be used: Invalid URL"],
  ["a word as port", "postgres://u:SEKRET@127.0.0.1:port/x", "cannot be used: Invalid URL"],
])("refuses a mistyped address of a log and shows no password: %s", async (_, store, reason) => {
  const cwd = folderWith({});
  for (const argv of [
    ["listen", "--port", "0"],
    ["store", "status"],
    ["store", "init"],
  ]) {
    const { exitCode, err } = await run([...argv, "--store", store], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(reason)]);
    expect(err).not.toMatch(/SEK|RET/);
  }
  expect(readdirSync(cwd)).toEqual([]);
});
