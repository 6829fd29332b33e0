import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const createMany = async (count: number): Promise<void> => {
  for (let id = 1; id <= count; id++) await world.create("--id", String(id), "--expires", "5h");
};

describe("channels renew --every of many channels", () => {
  it("causes no leak warning of Node, neither while renewing nor while waiting", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(`${warning.name}: ${warning.message}`);
    process.on("warning", onWarning);
    await createMany(12);
    const stop = new AbortController();
    let renewed = 0;
    const { exitCode } = await world.channels(["renew", "--every", "--json"], {
      sleep: world.clock.wait,
      signal: stop.signal,
      onOut(text) {
        renewed += text.split('"renewed"').length - 1;
        // All are due again.
        if (renewed === 12) world.clock.advance(134 * HOUR_MS);
        if (renewed === 24) stop.abort();
      },
    });
    expect([exitCode, renewed]).toEqual([0, 24]);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});

describe("channels renew --every", () => {
  const LOOK_MS = 3000;
  const lists = (): number => world.requests("GET").filter(({ query }) => !query.has("channel_id")).length;

  /** Renews every channel until the work is done. */
  const whileRenewing = async (work: () => Promise<void>) => {
    const stop = new AbortController();
    const running = world.channels(["renew", "--every", "--json"], { sleep: world.clock.wait, signal: stop.signal });
    await world.clock.asleep(4);
    await work();
    stop.abort();
    return (await running).lines().flatMap(({ id, state }) => (state === undefined ? [] : [[id, state]]));
  };
  const look = async (): Promise<void> => {
    world.clock.advance(LOOK_MS);
    await world.clock.asleep(4);
  };

  it("follows the expiry that another program has set, and looks at all channels with one list", async () => {
    for (const id of ["1", "2", "3"]) await world.create("--id", id);
    const states = await whileRenewing(async () => {
      const before = lists();
      for (const row of world.server.watch.rows())
        if (row.channelId === "2") row.expiresAt = world.clock.now().getTime() + HOUR_MS;
      await look();
      await look();
      expect(lists() - before).toBe(2);
    });
    expect(states).toEqual([["2", "renewed"]]);
  });

  it("says which one expired when Zoho made them older, and creates it again", async () => {
    for (const id of ["1", "2", "3"]) await world.create("--id", id, ...(id === "3" ? ["--expires", "6d23h"] : []));
    for (const row of world.server.watch.rows()) if (row.channelId === "3") row.expiresAt += 30 * DAY_MS;
    const states = await whileRenewing(async () => {
      world.server.advance(8 * DAY_MS);
      await look();
    });
    expect(states.toSorted()).toEqual([
      ["1", "created"],
      ["1", "lost"],
      ["2", "created"],
      ["2", "lost"],
    ]);
  });

  it("does not give a channel up for a list that is empty by mistake", async () => {
    for (const id of ["1", "2", "3"]) await world.create("--id", id);
    const states = await whileRenewing(async () => {
      world.server.trouble({ status: 204 }, 1, isWatch("GET"));
      await look();
    });
    expect(states.map(([, state]) => state)).toEqual(["renewed", "renewed", "renewed"]);
  });
});

describe("Zoho that accepts no more requests", () => {
  const tooMany = (retryAfter: string, times: number, method: string): void => {
    const body = { code: "TOO_MANY_REQUESTS", message: "slow down", details: {}, status: "error" };
    const answer = { status: 429, body, headers: { "retry-after": retryAfter } };
    world.server.trouble(answer, times, isWatch(method));
  };
  const inAnHour = (): string => new Date(world.clock.now().getTime() + HOUR_MS).toUTCString();

  it.each([
    ["seconds", () => "3600"],
    ["a date", inAnHour],
  ])("is asked once by renew of many channels, which shows its Retry-After in %s", async (_, retryAfter) => {
    await createMany(3);
    tooMany(retryAfter(), 99, "PUT");
    const { exitCode, lines } = await world.channels(["renew", "--json"]);
    expect(exitCode).toBe(7);
    expect(world.requests("PUT")).toHaveLength(1);
    const hint = expect.stringContaining("wait 1h, until 2026-03-01T10:00:00+00:00, and try again");
    expect(lines()).toMatchObject([
      { id: "1", state: "expiring", reason: expect.stringContaining("TOO_MANY_REQUESTS"), hint },
      { id: "2", state: "expiring", reason: "not tried: Zoho rate-limited the requests", hint },
      { id: "3", state: "expiring", reason: "not tried: Zoho rate-limited the requests", hint },
    ]);
  });

  it("is asked four times for the first channel only, without a long Retry-After", async () => {
    await createMany(3);
    tooMany("0", 99, "PUT");
    expect((await world.channels(["renew"])).exitCode).toBe(7);
    expect(world.requests("PUT")).toHaveLength(4);
  });

  it("is waited for with a notice", async () => {
    tooMany("30", 1, "GET");
    const stop = new AbortController();
    const { err } = await world.channels(["list"], {
      signal: stop.signal,
      onErr: (text) => void (text.includes("asked to wait") && stop.abort()),
    });
    expect(err).toContain(`${new URL(world.server.url).host} asked to wait: retrying in 30s`);
  });
});

describe("channels renew of several by a sign-in that may only read", () => {
  it("tries one, and reports the others as not tried", async () => {
    await createMany(3);
    const may = world.server.accounts.makeRefreshToken(["ZohoCRM.notifications.READ"]);
    const env = { ...world.env, ZOHO_REFRESH_TOKEN: may };
    const { exitCode, lines } = await world.channels(["renew", "--json"], { env });
    expect([exitCode, world.requests("PUT").length]).toEqual([6, 1]);
    expect(lines().map(({ id, reason }) => [id, reason])).toEqual([
      ["1", expect.stringContaining("lacks the scope ZohoCRM.notifications.UPDATE")],
      ["2", "not tried: the sign-in was rejected"],
      ["3", "not tried: the sign-in was rejected"],
    ]);
  });
});

describe("channels delete in two requests, of which the second fails", () => {
  const left = () => new Set(world.server.watch.rows().map(({ channelId }) => channelId)).size;
  let deletions: number;
  beforeEach(async () => {
    const token = world.server.accounts.makeAccessToken(["ZohoCRM.notifications.ALL"]);
    const watch = Array.from({ length: 110 }, (_, i) => ({
      channel_id: `${i + 1}`,
      events: ["Leads.edit"],
      notify_url: HOOK,
    }));
    for (const some of [watch.slice(0, 50), watch.slice(50, 100), watch.slice(100)]) {
      await fetch(`${world.server.url}/crm/v8/actions/watch`, {
        method: "POST",
        headers: { authorization: `Zoho-oauthtoken ${token}` },
        body: JSON.stringify({ watch: some }),
      });
    }
    deletions = 0;
  });
  const second = (request: ApiRequest): boolean => isWatch("DELETE")(request) && ++deletions >= 2;

  it("reads the list, and reports each channel", async () => {
    world.server.trouble("cut", 99, second);
    const { exitCode, lines } = await world.channels(["delete", "--all", "--yes", "--json"]);
    expect([exitCode, left()]).toEqual([7, 60]);
    const count = (state: string) => lines().filter((line) => line.state === state).length;
    expect([count("deleted"), count("not_deleted"), lines().length]).toEqual([50, 60, 110]);
    expect(lines().at(-1)?.reason).toContain("failed before an answer came");
  });

  it("does not warn on Ctrl-C of channels that were not requested to be deleted", async () => {
    world.server.trouble("silence", 1, second);
    const stop = new AbortController();
    const running = world.channels(["delete", "--all", "--yes", "--json"], { signal: stop.signal });
    await expect.poll(() => deletions).toBe(2);
    stop.abort("SIGINT");
    const { exitCode, lines } = await running;
    const named = lines().map(({ message }) => [...String(message).matchAll(/\d+/g)].length);
    expect([exitCode, named]).toEqual([130, [50, 50]]);
  });
});

describe("channels list with an end in an unknown form", () => {
  beforeEach(async () => {
    const row = (id: string, resource_name: string, channel_expiry: unknown) => {
      const row = {
        channel_id: id,
        resource_name,
        events: [`${resource_name}.edit`],
        notify_url: "https://a.example/",
      };
      return { ...row, channel_expiry, token: null };
    };
    const rows = [
      row("1", "Leads", "2026-03-07T09:00:00+00:00"),
      row("2", "Leads", 1772874000000),
      row("3", "Leads", "2026-03-07T09:00:00+00:00"),
      row("3", "Deals", 1772874000000),
    ];
    world.server.trouble({ status: 200, body: { watch: rows, info: { more_records: false } } }, 9, isWatch("GET"));
  });

  it("shows all channels, and no end for that one", async () => {
    const { exitCode, lines } = await world.channels(["list", "--json"]);
    const ends = lines().map(({ id, expires_at, time_left_ms }) => [id, expires_at, time_left_ms === null]);
    expect([exitCode, ends]).toEqual([
      0,
      [
        ["2", null, true],
        ["3", null, true],
        ["1", "2026-03-07T09:00:00.000Z", false],
      ],
    ]);
    expect((await world.channels(["list"])).out).toMatch(/^2 +not known +Leads\.edit/m);
    expect((await world.channels(["list", "--expiring", "1m"])).exitCode).toBe(8);
  });

  it("renews that one only if the answer has a later end", async () => {
    const answer = {
      code: "SUCCESS",
      status: "success",
      details: { events: [{ channel_id: "2", channel_expiry: 1 }] },
    };
    world.server.trouble({ status: 200, body: { watch: [answer] } }, 1, isWatch("PUT"));
    const { exitCode, err } = await world.channels(["renew", "2"]);
    expect([exitCode, err]).toEqual([7, expect.stringContaining("but does not say when it expires")]);
  });
});

describe("channels list with a channel in an unknown form", () => {
  const odd = {
    channel_id: 4,
    resource_name: "Leads",
    events: "Leads.edit",
    token: 7,
    notify_url: "https://a.example/",
  };
  const row = { ...odd, channel_id: "5", events: ["Leads.edit"], token: "hush" };
  beforeEach(() => {
    const body = { watch: [{ ...odd, channel_expiry: "2026-03-07T09:00:00+00:00" }, row], info: null };
    world.server.trouble({ status: 200, body }, 9, isWatch("GET"));
  });

  it("shows the others, and that this one exists", async () => {
    const { exitCode, lines } = await world.channels(["list", "--json"]);
    const [first, second] = lines();
    expect([exitCode, Object.keys(first ?? {}).includes("token")]).toEqual([0, false]);
    expect(first).toMatchObject({
      id: "4",
      expires_at: null,
      reason: "Zoho lists it in a form that zoho-hooks cannot read",
    });
    expect(second).toMatchObject({ id: "5", events: ["Leads.edit"], token: "[masked]" });
    expect((await world.channels(["list"])).out).toMatch(/^4 +not known +not known +not known +not known$/m);
  });

  it("sends nothing for that one when it is to be renewed", async () => {
    const { exitCode, err } = await world.channels(["renew", "4"]);
    expect([exitCode, err]).toEqual([7, expect.stringMatching(/in a form that zoho-hooks cannot read/)]);
    for (const method of ["PUT", "POST", "DELETE"]) expect(world.requests(method)).toEqual([]);
  });
});

describe("channels create", () => {
  it("shows the end of the answer if the list has it in an unknown form", async () => {
    const row = { channel_id: "2", events: ["Leads.edit"], notify_url: HOOK, channel_expiry: 1772874000000 };
    world.server.trouble({ status: 204 }, 1, isWatch("GET"));
    world.server.trouble({ status: 200, body: { watch: [row] } }, 1, isWatch("GET"));
    const { exitCode, lines } = await world.channels(["create", "Leads.edit", "--url", HOOK, "--id", "2", "--json"]);
    expect([exitCode, lines()[0]]).toEqual([0, expect.objectContaining({ expires_at: "2026-03-08T08:00:00.000Z" })]);
  });
});
