import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { sharedAddress } from "../support/postgres.ts";
import { type RunResult, run } from "../support/run.ts";
import { freePort, type Seen, startTarget, type Target, valuesOf } from "../support/target.ts";
import { engines } from "../support/temp-log.ts";
import { changeRecords, idsIn } from "../support/zoho-records.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LEAD = { Last_Name: "Doe", Company: "Acme" };
const MARK = "x-zoho-hooks-reconstructed";

let world: ChannelWorld;
let app: Target;
let port: number;
let listener: Listener | undefined;
let crm: ReturnType<typeof changeRecords>;
beforeEach(async () => {
  world = await startChannelWorld();
  [app, port] = [await startTarget(), await freePort()];
  crm = changeRecords(world.server);
});
afterEach(async () => {
  await goDown();
  await app.close();
  await world.close();
});

const hook = () => `http://127.0.0.1:${port}/webhooks/zoho/crm`;

async function create(...argv: readonly string[]): Promise<void> {
  const { exitCode, err } = await world.channels(["create", ...argv, "--url", hook()]);
  expect([exitCode, err]).toEqual([0, expect.any(String)]);
  // The change of a record is later than its channel.
  world.clock.advance(MINUTE);
}

/** Starts a listener that forwards to the app. */
async function goUp(...argv: readonly string[]): Promise<void> {
  const { cwd, env, clock } = world;
  listener = await startListener(["--port", String(port), "--forward-to", app.url, ...argv], {
    cwd,
    env,
    now: clock.now,
  });
}

/** From then on the log knows the app as the target of notifications, also after a channel has expired. */
async function receiveOne(): Promise<void> {
  world.env.ZOHO_HOOKS_KEEP = "30d";
  await goUp();
  await change(crm.create("Leads", LEAD));
  await came(1);
  await goDown();
}

async function goDown(): Promise<void> {
  await listener?.stop();
  listener = undefined;
}

const reconcile = (...argv: readonly string[]): Promise<RunResult> =>
  run(["reconcile", ...argv], { cwd: world.cwd, env: world.env, now: world.clock.now });

/** The lines of `--json`: of each change, and of all. */
async function lines(...argv: readonly string[]) {
  const result = await reconcile("--json", ...argv);
  const all = result.lines();
  return {
    ...result,
    changes: all.flatMap(({ type, state, module, id, operation, n }) =>
      type === "missed" ? [[state, module, id, operation, ...(n === null ? [] : [n])]] : [],
    ),
    total: all.find(({ type }) => type === "reconcile") ?? {},
  };
}

/** A minute passes with each change. */
async function change<T>(made: Promise<T>): Promise<T> {
  const done = await made;
  world.clock.advance(MINUTE);
  return done;
}

async function came(count: number): Promise<readonly Seen[]> {
  await expect.poll(() => app.seen.length).toBe(count);
  return app.seen;
}

describe("reconcile", () => {
  it("finds exactly what was missed, writes nothing, and exits with 8", async () => {
    await create("Leads.all", "Deals.create");
    await goUp();
    const [seen, edited, deleted] = [
      await change(crm.create("Leads", LEAD)),
      await change(crm.create("Leads", LEAD)),
      await change(crm.create("Leads", LEAD)),
    ];
    await came(3);
    expect(await lines()).toMatchObject({ exitCode: 0, changes: [], total: { missed: 0, credits: 4 } });
    await goDown();
    const created = await change(crm.create("Leads", LEAD));
    await change(crm.change("Leads", edited, { City: "Rome" }));
    await change(crm.change("Leads", edited, { City: "Bonn" }));
    await change(crm.remove("Leads", deleted));
    const deal = await change(crm.create("Deals", { Deal_Name: "A", Stage: "Qualification" }));
    const shortLived = await change(crm.create("Leads", LEAD));
    await change(crm.remove("Leads", shortLived));
    // Not watched.
    await change(crm.create("Contacts", { Last_Name: "Doe" }));
    await change(crm.change("Deals", deal, { Stage: "Closed Won" }));
    const missed = [
      ["missed", "Leads", created, "insert"],
      ["missed", "Leads", edited, "update"],
      ["missed", "Leads", deleted, "delete"],
      ["missed", "Deals", deal, "insert"],
      ["missed", "Leads", shortLived, "delete"],
    ];
    const found = await lines();
    expect(found).toMatchObject({ exitCode: 8, changes: missed });
    expect(found.total).toMatchObject({
      product: "crm",
      modules: ["Deals", "Leads"],
      missed: 5,
      perhaps: 0,
      delivered: 0,
    });
    expect(found.changes.map(([, , id]) => id)).not.toContain(seen);
    expect((await run(["events", "list", "--json"], { cwd: world.cwd })).lines()).toHaveLength(3);

    const { out, err, exitCode } = await reconcile();
    expect(exitCode).toBe(8);
    expect(out).toMatch(new RegExp(`^missed\nmodule +id +operation +changed at\nLeads +${created} +insert +20\\d\\d-`));
    expect(out.trim().split("\n")).toHaveLength(7);
    expect(err).toMatch(/5 changes were missed in Deals, Leads since .* \(4 API credits\)/);
    expect(err).toMatch(/to have your app get them: zoho-hooks reconcile --product crm --since \S+ --deliver/);
  });

  it("puts them into the log once, for a listen that runs, marked and with the channel's token", async () => {
    await create("Leads.all");
    await goUp();
    const old = await change(crm.create("Leads", LEAD));
    await came(1);
    await goDown();
    const ids = [await change(crm.create("Leads", LEAD)), await change(crm.create("Leads", LEAD))];
    await change(crm.change("Leads", ids[0] ?? "", { City: "Rome" }));
    await change(crm.change("Leads", old, { City: "Rome" }));
    await goUp();
    const delivered = await lines("--deliver");
    expect(delivered).toMatchObject({ exitCode: 0, total: { missed: 0, delivered: 3 } });
    expect(delivered.changes).toEqual([
      ["delivered", "Leads", ids[0], "insert", 2],
      ["delivered", "Leads", ids[1], "insert", 2],
      ["delivered", "Leads", old, "update", 3],
    ]);
    const [first, ...made] = await came(3);
    const bodyOf = (seen = first) => JSON.parse(String(seen?.body));
    expect(made.map((seen) => [valuesOf(seen, MARK), bodyOf(seen).ids, bodyOf(seen).operation])).toEqual([
      [["1"], ids, "insert"],
      [["1"], [old], "update"],
    ]);
    const { token, channel_id, query_params } = bodyOf();
    expect(bodyOf(made[0])).toMatchObject({ module: "Leads", token, channel_id, query_params, affected_fields: [] });
    expect(made[0]?.path).toBe(first?.path);
    const logged = (await run(["events", "list", "--json"], { cwd: world.cwd })).lines();
    expect(logged.map(({ n, reconstructed, signatures, schema }) => [n, reconstructed, signatures, schema])).toEqual([
      [3, true, [], { ok: true, issues: [] }],
      [2, true, [], { ok: true, issues: [] }],
      [1, false, [expect.objectContaining({ result: "verified" })], { ok: true, issues: [] }],
    ]);
    expect(await lines("--deliver")).toMatchObject({ exitCode: 0, changes: [], total: { delivered: 0 } });
    expect((await reconcile("--deliver")).err).toMatch(/nothing was missed in Leads since/);
    // What changes later is missed all the same.
    await goDown();
    await change(crm.change("Leads", old, { City: "Bonn" }));
    expect(await lines()).toMatchObject({ exitCode: 8, changes: [["missed", "Leads", old, "update"]] });
  });

  it("lists edits of a channel with --fields apart, and never delivers them", async () => {
    await create("Leads.all", "--fields", "City");
    await goUp();
    const old = await change(crm.create("Leads", LEAD));
    await came(1);
    // Zoho tells nobody.
    await change(crm.change("Leads", old, { Phone: "1" }));
    expect(await lines("--deliver")).toMatchObject({
      exitCode: 0,
      changes: [["perhaps", "Leads", old, "update"]],
      total: { missed: 0, perhaps: 1, delivered: 0 },
    });
    expect((await reconcile()).out).toMatch(/^perhaps missed: the channel is limited to some fields/);
    await goDown();
    const created = await change(crm.create("Leads", LEAD));
    expect(await lines()).toMatchObject({ exitCode: 8, total: { missed: 1, perhaps: 1 } });
    expect((await lines()).changes).toContainEqual(["missed", "Leads", created, "insert"]);
    expect(app.seen).toHaveLength(1);
  });

  it.each(engines)("does not deliver twice when two run at the same time, with a log on %s", async (engine) => {
    if (engine === "postgresql") world.env.ZOHO_HOOKS_STORE = await sharedAddress(world.cwd);
    await create("Leads.all");
    await goUp();
    await change(crm.create("Leads", LEAD));
    await came(1);
    await goDown();
    const ids = await Promise.all(Array.from({ length: 5 }, () => crm.create("Leads", LEAD)));
    world.clock.advance(MINUTE);
    const both = await Promise.all([lines("--deliver"), lines("--deliver")]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.map(({ total }) => total.delivered).sort()).toEqual([0, 5]);
    await goUp();
    await came(2);
    const got = app.seen.slice(1).flatMap(({ body }) => idsIn(body));
    expect(got.toSorted()).toEqual(ids.toSorted());
  });

  it("names 100 records in a notification, and reports the credits", async () => {
    await create("Leads.all");
    await goUp();
    await change(crm.create("Leads", LEAD));
    await came(1);
    await goDown();
    for (let i = 0; i < 10; i++) await change(crm.createAll("Leads", Array(100).fill(LEAD)));
    const found = await lines();
    expect(found.total).toMatchObject({ missed: 1000, credits: 10 });
    expect(await lines("--deliver")).toMatchObject({ exitCode: 0, total: { delivered: 1000 } });
    const logged = (await run(["events", "list", "--json"], { cwd: world.cwd })).lines();
    expect(logged.slice(0, -1).map(({ records }) => (records as string[]).length)).toEqual(Array(10).fill(100));
    expect(new Set(logged.flatMap(({ records }) => records)).size).toBe(1001);
  });

  it("names all notifications that no app gets, and only those", async () => {
    await create("Leads.all", "Deals.all");
    await change(crm.create("Leads", LEAD));
    await change(crm.create("Deals", { Deal_Name: "A", Stage: "Qualification" }));
    const gone = await change(crm.create("Leads", LEAD));
    await change(crm.remove("Leads", gone));
    const settings = { routes: { "crm:Deals.*": app.url } };
    writeFileSync(join(world.cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
    await goUp();
    const { err } = await reconcile("--deliver");
    expect(err).toMatch(/2 notifications in the event log will reach no app/);
    expect(err).toContain("zoho-hooks replay 1 3 --to http://localhost:3000");
  });

  it("leaves out what changed before the channel was created, and what the log no longer has", async () => {
    await crm.create("Leads", LEAD);
    world.clock.advance(MINUTE);
    await create("Leads.create");
    await goUp();
    await change(crm.create("Leads", LEAD));
    await came(1);
    expect(await lines()).toMatchObject({ exitCode: 0, changes: [] });
    const { err } = await reconcile("--since", "30d");
    expect(err).toMatch(/the event log keeps 7d, so that only changes since \S+ are compared/);
  });

  it("counts a channel that has expired", async () => {
    await create("Leads.create");
    await goUp();
    await change(crm.create("Leads", LEAD));
    await came(1);
    world.clock.advance(7 * DAY);
    const missed = await change(crm.create("Leads", LEAD));
    expect(await lines()).toMatchObject({ exitCode: 8, changes: [["missed", "Leads", missed, "insert"]] });
  });

  it("delivers as the channel that Zoho lists, also what changed before it was created", async () => {
    world.env.ZOHO_WEBHOOK_TOKEN = "old";
    await create("Leads.all");
    await receiveOne();
    world.clock.advance(8 * DAY);
    const before = await change(crm.create("Leads", LEAD));
    world.env.ZOHO_WEBHOOK_TOKEN = "new";
    await create("Leads.all");
    const after = await change(crm.create("Leads", LEAD));
    await goUp();
    expect(await lines("--deliver")).toMatchObject({ exitCode: 0, total: { delivered: 2 } });
    const [, body] = (await came(2)).map((seen) => JSON.parse(String(seen.body)));
    expect(body).toMatchObject({ ids: [before, after], token: "new" });
  });

  it("does not count an expired channel once another one of its module was created", async () => {
    await create("Leads.all");
    await receiveOne();
    world.clock.advance(8 * DAY);
    const old = await change(crm.create("Leads", LEAD));
    await change(crm.change("Leads", old, { City: "Rome" }));
    const edited = await change(crm.create("Leads", LEAD));
    await create("Leads.all", "--fields", "Leads:Last_Name");
    await goUp();
    // Zoho tells nobody.
    await change(crm.change("Leads", edited, { City: "Bonn" }));
    expect((await lines()).changes).toEqual([
      ["missed", "Leads", old, "insert"],
      ["missed", "Leads", edited, "insert"],
    ]);
    await lines("--deliver");
    await came(2);
    await change(crm.change("Leads", edited, { City: "Rome" }));
    expect(await lines("--deliver")).toMatchObject({
      exitCode: 0,
      changes: [["perhaps", "Leads", edited, "update"]],
      total: { delivered: 0 },
    });
  });

  it("knows a channel that was created elsewhere by the project's token", async () => {
    world.env.ZOHO_WEBHOOK_TOKEN = "of-the-project";
    const here = { env: { XDG_CONFIG_HOME: `${world.cwd}/elsewhere`, ZOHO_WEBHOOK_TOKEN: "of-the-project" } };
    const argv = ["create", "Leads.create", "--url", hook()];
    expect((await world.elsewhere(argv, here)).exitCode).toBe(0);
    await world.elsewhere([...argv.slice(0, 1), "Deals.create", ...argv.slice(2)], {
      env: { ...here.env, ZOHO_WEBHOOK_TOKEN: "of-another" },
    });
    world.clock.advance(MINUTE);
    await goUp();
    await change(crm.create("Leads", LEAD));
    await came(1);
    await goDown();
    const missed = await change(crm.create("Leads", LEAD));
    await change(crm.create("Deals", { Deal_Name: "A", Stage: "Qualification" }));
    expect(await lines()).toMatchObject({ exitCode: 8, changes: [["missed", "Leads", missed, "insert"]] });
  });

  it("finds and delivers what a channel of Bigin missed", async () => {
    const bigin = changeRecords(world.server, "bigin");
    const url = `http://127.0.0.1:${port}/webhooks/zoho/bigin`;
    const { exitCode } = await world.channels(["create", "Contacts.all", "--product", "bigin", "--url", url]);
    expect(exitCode).toBe(0);
    world.clock.advance(MINUTE);
    await goUp();
    const contact = { Last_Name: "Doe" };
    const [edited, deleted] = [
      await change(bigin.create("Contacts", contact)),
      await change(bigin.create("Contacts", contact)),
    ];
    const [first] = await came(2);
    await goDown();
    const created = await change(bigin.create("Contacts", contact));
    await change(bigin.change("Contacts", edited, { Email: "doe@acme.example" }));
    await change(bigin.remove("Contacts", deleted));
    // Of CRM, which has no channel.
    await change(crm.create("Contacts", contact));
    const missed = [
      ["Contacts", created, "insert"],
      ["Contacts", edited, "update"],
      ["Contacts", deleted, "delete"],
    ];
    const found = await lines("--product", "bigin");
    expect(found).toMatchObject({ exitCode: 8, total: { product: "bigin", missed: 3, credits: 2 } });
    expect(found.changes.map(([, ...rest]) => rest)).toEqual(missed);
    await goUp();
    expect(await lines("--product", "bigin", "--deliver")).toMatchObject({ exitCode: 0, total: { delivered: 3 } });
    const made = (await came(5)).slice(2);
    const bodies = made.map(({ body }) => JSON.parse(String(body)));
    expect(bodies.map(({ module, ids, operation }) => [module, ...ids, operation])).toEqual(missed);
    const { token, channel_id } = JSON.parse(String(first?.body));
    expect(bodies[0]).toMatchObject({
      token,
      channel_id,
      resource_uri: expect.stringMatching(/\/bigin\/v2\/Contacts$/),
    });
    expect(made.map((seen) => valuesOf(seen, MARK))).toEqual([["1"], ["1"], ["1"]]);
    expect(await lines("--product", "bigin")).toMatchObject({ exitCode: 0, changes: [] });
  });

  it.each([
    [["--product", "desk"], /deliveries of Desk, Books and Sign carry the record itself/],
    [["--product", "recruit"], /how to list all that changed in Zoho Recruit is not known well enough/],
    [["--product", "nonsense"], /"nonsense" has no notification channels/],
    [["--since", "soon"], /--since/],
  ])("refuses %j", async (argv, message) => {
    const { exitCode, err } = await reconcile(...argv);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it("says what is missing: a sign-in, a log, a channel", async () => {
    const signedOut = await run(["reconcile"], { cwd: world.cwd });
    expect([signedOut.exitCode, signedOut.err]).toEqual([6, expect.stringMatching(/zoho-hooks login/)]);
    expect((await reconcile()).err).toMatch(/there is no event log/);
    await goUp();
    const none = await reconcile();
    expect([none.exitCode, none.err]).toEqual([2, expect.stringMatching(/this project has no Zoho CRM channel/)]);
  });
});
