import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/channels/expiry.ts";
import {
  channelId,
  clock,
  interrupt,
  linesOf,
  listen,
  poll,
  start,
  startChannelListeners,
  statesOf,
  tunnel,
  world,
  zoho,
} from "../support/channel-listener.ts";
import { isWatch } from "../support/channel-world.ts";
import { run } from "../support/run.ts";

const LEAD = "5725767000003000064";
startChannelListeners();

describe("the channel of a running listen", () => {
  it("is created again at the next look after something else deleted it", async () => {
    const of = await listen();
    zoho.watch.drop(channelId());
    await poll();
    expect(statesOf(of)).toEqual(["created", "lost", "created"]);
    expect(linesOf(of, "channel")[1]).toMatchObject({
      reason: "something else deleted it, or made it expire early: Zoho no longer lists it",
      hint: "recreating it as soon as possible; changes in the meantime are missed",
    });
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    expect((await of.stop()).exitCode).toBe(0);
  });

  it("is looked at every three seconds beside a local Zoho, and a failed look is no loss", async () => {
    const of = await listen();
    const looks = (): number => zoho.requests.filter(isWatch("GET")).length;
    const before = looks();
    zoho.trouble({ status: 400, body: { code: "INTERNAL_ERROR", message: "no", details: {} } }, 1, isWatch("GET"));
    for (let i = 0; i < 3; i++) await poll();
    clock.advance(2999);
    await clock.asleep(2);
    expect([looks(), statesOf(of)]).toEqual([before + 3, ["created"]]);
  });

  it("fails the run with 9 if it is found gone at the end", async () => {
    const of = await listen();
    zoho.watch.drop(channelId());
    expect((await of.stop()).exitCode).toBe(9);
    expect(statesOf(of)).toEqual(["created", "unknown"]);
  });

  it("is created again after channels delete, and remembered", async () => {
    const options = world();
    await start(["--channel", "Leads.create"], options);
    const id = channelId();
    const deleted = await run(["channels", "delete", id, "--yes"], options);
    expect(deleted.err).toContain(`a running zoho-hooks listen uses channel ${id}`);
    expect(deleted.err).toContain("stop that listen instead, which deletes its channel");
    await poll();
    expect(zoho.watch.rows()).toMatchObject([{ channelId: id }]);
    const memory = readFileSync(join(options.cwd ?? "", ".config/zoho-hooks/channels.json"), "utf8");
    expect(JSON.parse(memory).channels).toMatchObject([{ id, ofListener: true }]);
  });

  it("is reported once per change by something else, and says what it changed", async () => {
    const of = await listen();
    const messages = () =>
      linesOf(of, "warning")
        .map(({ message }) => String(message))
        .filter((message) => message.startsWith("something else changed"));
    const [leads, deals] = zoho.watch.rows();
    if (leads === undefined || deals === undefined) throw new Error("two modules are watched");
    for (const row of [leads, deals]) row.notifyUrl = "https://other.example/hook";
    await poll();
    expect(messages()).toEqual([
      `something else changed channel ${channelId()}: it posts to https://other.example/hook`,
    ]);
    await poll();
    deals.events = ["Deals.delete"];
    for (const row of [leads, deals]) row.token = "of-a-stranger";
    await poll();
    expect(messages()).toHaveLength(2);
    expect(messages()[1]).toContain("; it watches Leads.create, Deals.delete; it has another token");
    expect(JSON.stringify(of.lines())).not.toContain("of-a-stranger");
    expect(linesOf(of, "warning").at(-1)?.hint).toBe("the next renewal by this listen changes it back");
    await of.stop();
    expect(messages()).toHaveLength(2);
  });

  it("is not reported after channels create --id changed its events", async () => {
    const options = world();
    const listener = await start(["--channel", "Leads.create"], options);
    await run(["channels", "create", "Contacts.all", "--id", channelId(), "--values"], options);
    await poll();
    expect(linesOf(listener, "warning")).toEqual([]);
  });

  it.each([
    ["a look", 3000],
    ["its renewal", 7 * DAY_MS],
  ])("is left to the listen that has taken it over while this one was suspended until %s", async (_, ms) => {
    const options = world();
    const listener = await start(["--channel", "Leads.create"], options);
    const id = channelId();
    writeFileSync(join(options.cwd ?? "", `.config/zoho-hooks/channel-crm-${id}.lock`), "another-owner machine/1");
    clock.advance(ms);
    const { exitCode, err } = await listener.finished;
    expect(exitCode).toBe(9);
    expect(err).toContain(`another zoho-hooks listen took channel ${id} over while this one was suspended`);
    expect(zoho.requests.filter(isWatch("PUT"))).toEqual([]);
  });
});

describe("the token of the channel of listen", () => {
  it("is the configured one", async () => {
    await listen([], { ZOHO_WEBHOOK_TOKEN: "t0ken" });
    expect(zoho.watch.rows()).toMatchObject([{ token: "t0ken" }, { token: "t0ken" }]);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  });

  it("is that of a file", async () => {
    const options = world({ ZOHO_WEBHOOK_TOKEN_FILE: "token" });
    writeFileSync(join(options.cwd ?? "", "token"), "of-the-file\n");
    await start(["--channel", "Leads.create"], options);
    expect(zoho.watch.rows()).toMatchObject([{ token: "of-the-file" }]);
  });

  it("is a new one if the configured one is too long for Zoho, which is said", async () => {
    const long = "t".repeat(51);
    const { err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], {
      ...world({ ZOHO_WEBHOOK_TOKEN: long }),
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toContain(
      "ZOHO_WEBHOOK_TOKEN has 51 characters, and Zoho accepts at most 50: the channel gets a generated token",
    );
    const sent = zoho.requests.find(isWatch("POST"))?.json as { watch: { token: string }[] };
    expect(sent.watch[0]?.token).toMatch(/^[\w-]{32}$/);
  });
});

describe("listen --channel whose tunnel comes back with another URL", () => {
  it("says which channel is moved, and names the others with the command for them", async () => {
    const options = world();
    const old = tunnel.url;
    await run(["channels", "create", "Deals.all", "--id", "5", "--url", `${old}/webhooks/zoho/crm`], options);
    const { out, err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], {
      ...options,
      onErr(text) {
        if (text.includes("Ready.")) {
          tunnel.goDown();
          tunnel.comeBack("localhost");
        }
      },
      onOut: (text) => void (text.includes("updated crm") && interrupt.abort()),
    });
    const id = /created crm (\d+)/.exec(out)?.[1];
    const now = tunnel.url;
    expect(err).toContain(`The public URL is now ${now} (was ${old}). Moving channel ${id} to it.`);
    expect(err).not.toContain("change it in the webhooks");
    expect(out).toMatch(new RegExp(`updated crm ${id}.*\n +it now posts to ${now}/webhooks/zoho/crm`));
    expect(err).toContain(
      `channel 5 still posts to ${old}/webhooks/zoho/crm: zoho-hooks channels create Deals.all --id 5 --url ${now}/webhooks/zoho/crm --product crm`,
    );
    expect(err).not.toContain(`channel ${id} still posts`);
  });

  it("without a channel, says to change it in Zoho", async () => {
    const { err } = await run(["listen", "--port", "0"], {
      ...world(),
      onErr(text) {
        if (text.includes("Ready.")) {
          tunnel.goDown();
          tunnel.comeBack("localhost");
        }
        if (text.includes("reconnected")) interrupt.abort();
      },
    });
    expect(err.replace(/\s+/g, " ")).toContain("change it in the webhooks that you set up in Zoho yourself");
  });
});

describe("listen that two channels report the same change to", () => {
  it("marks the second notification as a repeat, and no later change of the record", async () => {
    const options = world();
    const listener = await start(["--channel", "Leads.edit"], options);
    const url = zoho.watch.rows()[0]?.notifyUrl ?? "";
    // Ids are made from the time and three random digits.
    clock.advance(1);
    await run(["channels", "create", "Leads.edit", "--url", url], options);
    expect(await zoho.notify("Leads.edit", [LEAD])).toEqual([200, 200]);
    clock.advance(1);
    expect(await zoho.notify("Leads.edit", [LEAD])).toEqual([200, 200]);
    await listener.event(4);
    const repeats = linesOf(listener, "event").map(({ n, duplicate_of }) => [n, duplicate_of]);
    expect(repeats).toEqual([
      [1, null],
      [2, 1],
      [3, null],
      [4, 3],
    ]);
  });

  it("marks what one channel sends again, and nothing that has no time of change", async () => {
    const of = await listen();
    const token = zoho.watch.rows()[0]?.token;
    const body = { module: "Deals", operation: "update", ids: [LEAD], channel_id: channelId(), token };
    const timed = JSON.stringify({ ...body, server_time: 1772355600000 });
    for (const text of [timed, timed, JSON.stringify(body), JSON.stringify({ ...body, affected_fields: [] })])
      await of.post("/webhooks/zoho/crm", text);
    const repeats = [1, 2, 3, 4].map(async (n) => (await of.event(n)).duplicate_of);
    expect(await Promise.all(repeats)).toEqual([null, 1, null, null]);
  });
});
