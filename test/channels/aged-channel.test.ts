import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import {
  channelId,
  clock,
  linesOf,
  listen,
  poll,
  start,
  startChannelListeners,
  statesOf,
  world,
  zoho,
} from "../support/channel-listener.ts";
import { isWatch } from "../support/channel-world.ts";
import type { Listener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const LIFETIME_MS = 7 * DAY_MS - HOUR_MS;
startChannelListeners();

const isPoll = (request: ApiRequest): boolean => isWatch("GET")(request) && request.query.has("channel_id");
const polls = (): number => zoho.requests.filter(isPoll).length;
const later = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString();

/** Writes the channel as another program does that leaves the expiry out. */
async function writeElsewhere(): Promise<void> {
  const [first] = zoho.watch.rows();
  const token = zoho.accounts.makeAccessToken(["ZohoCRM.notifications.ALL"]);
  const events = zoho.watch.rows().flatMap((row) => row.events);
  const item = { channel_id: first?.channelId, events, notify_url: first?.notifyUrl, token: first?.token };
  const answer = await fetch(`${zoho.url}/crm/v8/actions/watch`, {
    method: "PUT",
    headers: { authorization: `Zoho-oauthtoken ${token}` },
    body: JSON.stringify({ watch: [item] }),
  });
  expect(answer.status).toBe(200);
}

describe("listen, whose channel has become older at Zoho,", () => {
  it("renews it at the next look", async () => {
    const of = await listen();
    zoho.advance(6 * DAY_MS);
    await poll();
    expect(linesOf(of, "channel")[1]).toMatchObject({
      state: "renewed",
      previous_expires_at: later(LIFETIME_MS - 6 * DAY_MS - 3000),
      expires_at: later(LIFETIME_MS),
    });
  });

  it("says that it expired, and creates it again", async () => {
    const of = await listen();
    const id = channelId();
    zoho.advance(8 * DAY_MS);
    await poll();
    expect(linesOf(of, "channel").slice(1)).toMatchObject([
      { id, state: "lost", reason: "it expired: Zoho no longer lists it" },
      { id, state: "created", expires_at: later(LIFETIME_MS) },
    ]);
    zoho.create("crm", "Leads", { Last_Name: "Doe" });
    expect(await of.event(1)).toMatchObject({ event: "Leads.create", status: 200 });
  });

  it("leaves it alone if it is only a day older", async () => {
    const of = await listen();
    zoho.advance(DAY_MS);
    await poll();
    expect(statesOf(of)).toEqual(["created"]);
  });

  it("waits as long as the expiry that Zoho says leaves to it", async () => {
    const of = await listen();
    zoho.advance(3 * DAY_MS);
    await poll();
    await poll(2 * DAY_MS);
    expect(statesOf(of)).toEqual(["created"]);
    await poll(DAY_MS);
    expect(statesOf(of)).toEqual(["created", "renewed"]);
  });
});

describe("listen, whose channel another program has written,", () => {
  it("renews it if that gave it an hour", async () => {
    const of = await listen();
    await writeElsewhere();
    expect(zoho.watch.rows()[0]?.expiresAt).toBe(clock.now().getTime() + HOUR_MS);
    await poll();
    expect(statesOf(of)).toEqual(["created", "renewed"]);
    expect(zoho.watch.rows()[0]?.expiresAt).toBe(clock.now().getTime() + LIFETIME_MS);
  });

  it("renews it later if that extended it", async () => {
    const of = await listen();
    for (const row of zoho.watch.rows()) row.expiresAt += 30 * DAY_MS;
    await poll();
    await poll(10 * DAY_MS);
    expect(statesOf(of)).toEqual(["created"]);
  });
});

describe("listen, to which Zoho does not say when its channel expires,", () => {
  it.each([
    ["in the list", { status: 200, body: { watch: [], info: null } }],
    ["at all", { status: 429, body: { code: "TOO_MANY_REQUESTS" }, headers: { "retry-after": "0" } }],
  ])("goes on by what it knows: %s", async (_, answer) => {
    const of = await listen();
    const [row] = zoho.watch.rows();
    const listed = { channel_id: row?.channelId, events: ["Leads.create", "Deals.all"], notify_url: row?.notifyUrl };
    const body = answer.status === 200 ? { watch: [{ ...listed, token: row?.token }] } : answer.body;
    zoho.trouble({ ...answer, body }, 8, isPoll);
    await poll();
    expect(statesOf(of)).toEqual(["created"]);
    expect(linesOf(of, "warning")).toEqual([]);
    await poll(134 * HOUR_MS);
    expect(statesOf(of)).toEqual(["created", "renewed"]);
  });

  it("is not misled by a list that is empty by mistake", async () => {
    const of = await listen();
    zoho.trouble({ status: 204 }, 1, isPoll);
    await poll();
    expect(statesOf(of)).toEqual(["created", "renewed"]);
    expect(zoho.requests.filter(isWatch("POST"))).toHaveLength(1);
  });
});

describe("what listen asks the emulator every few seconds", () => {
  it("is not listed there, and takes no fault that is meant for others", async () => {
    const options = world();
    await start(["--channel", "Leads.create"], options);
    const listed = async () => (await fetch(`${zoho.url}/_emulator/requests`)).json();
    const before = await listed();
    await fetch(`${zoho.url}/_emulator/fail`, { method: "POST", body: JSON.stringify({ answer: 403 }) });
    for (let i = 0; i < 3; i++) await poll();
    expect(polls()).toBe(3);
    expect(await listed()).toEqual(before);
    expect((await run(["channels", "list"], options)).exitCode).not.toBe(0);
  });

  it("is shown by --verbose only if it fails", async () => {
    const of = await listen(["-v"]);
    await poll();
    const shown = (): number => requestsOf(of).filter((url) => url.includes("channel_id=")).length;
    expect(shown()).toBe(0);
    zoho.trouble({ status: 403, body: { code: "NO_PERMISSION" } }, 1, isPoll);
    await poll();
    expect(shown()).toBe(1);
  });
});

const requestsOf = (of: Listener): readonly string[] => linesOf(of, "api_request").map(({ url }) => String(url));

describe("beside a running listen whose channel Zoho no longer lists", () => {
  const gone = async () => {
    const options = world();
    await start(["--channel", "Leads.create"], options);
    const id = channelId();
    zoho.advance(8 * DAY_MS);
    return { options, id };
  };

  it("channels list shows that channel, and says who creates it again", async () => {
    const { options, id } = await gone();
    const { out, err, exitCode } = await run(["channels", "list"], options);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(new RegExp(`^${id} +expired +Leads.create`, "m"))]);
    expect(err).toContain(`channel ${id} is gone: it expired: Zoho no longer lists it`);
    expect(err).toContain(`the listen that runs in ${options.cwd} creates it again within 3s`);
    expect((await run(["channels", "list", "--expiring", "1h"], options)).exitCode).toBe(8);
  });

  it("doctor names that channel, and who creates it again", async () => {
    const { options, id } = await gone();
    const { out, exitCode } = await run(["doctor"], options);
    expect(exitCode).toBe(8);
    expect(out.replace(/\s+/g, " ")).toContain(
      `Zoho no longer has ${id}, of a listen that runs → that listen creates it again within 3s`,
    );
  });

  it("channels renew fails, and once listen has it again says that it is alive", async () => {
    const { options, id } = await gone();
    const failed = await run(["channels", "renew"], options);
    expect(failed.exitCode).toBe(7);
    expect(failed.err).toContain(`lost crm ${id}`);
    expect(failed.err).toContain("it expired: Zoho no longer lists it");
    expect(zoho.watch.rows()).toEqual([]);
    await poll();
    const { err, exitCode } = await run(["channels", "renew"], options);
    const alive = `channel ${id} is left out, because a running listen renews it: it is alive, 6d 23h left`;
    expect([exitCode, err]).toEqual([0, expect.stringContaining(alive)]);
  });

  it("channels renew fails as well where it renews others", async () => {
    const { options } = await gone();
    await run(["channels", "create", "Deals.all", "--id", "5", "--url", "https://abc.example/hook"], options);
    const { out, exitCode } = await run(["channels", "renew"], options);
    expect([exitCode, out]).toEqual([7, expect.stringContaining("renewed crm 5")]);
  });

  it("neither speaks of a channel whose listen has ended", async () => {
    const options = world();
    const listener = await start(["--channel", "Leads.create"], options);
    zoho.trouble("cut", 99, isWatch("DELETE"));
    expect((await listener.stop()).exitCode).toBe(7);
    zoho.watch.drop(channelId());
    expect((await run(["channels", "list"], options)).err).toBe("no Zoho CRM channel\n");
    expect(await run(["channels", "renew"], options)).toMatchObject({
      exitCode: 0,
      err: "no Zoho CRM channel to renew\n",
    });
  });
});

describe("a channel that channels create made, and that Zoho has made older,", () => {
  const create = async (options = world()) => {
    await run(["channels", "create", "Leads.create", "--id", "7", "--url", "https://abc.example/hook"], options);
    return options;
  };

  it("has expired, and is created again by channels renew", async () => {
    const options = await create();
    zoho.advance(8 * DAY_MS);
    const { out, err } = await run(["channels", "list"], options);
    expect(out).toMatch(/^7 +expired +Leads.create/m);
    expect(err).toContain("it expired: Zoho no longer lists it");
    const { out: renewed, exitCode } = await run(["channels", "renew"], options);
    expect([exitCode, renewed]).toEqual([0, expect.stringContaining("created crm 7")]);
  });

  it("is not said to have expired if it was deleted", async () => {
    const options = await create();
    zoho.advance(DAY_MS);
    zoho.watch.drop("7");
    const { err } = await run(["channels", "list"], options);
    expect(err).toContain("something else deleted it, or made it expire early: Zoho no longer lists it");
    expect((await run(["channels", "renew"], options)).exitCode).toBe(7);
  });
});
