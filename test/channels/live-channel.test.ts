import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchClient } from "../../src/channels/client.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/channels/expiry.ts";
import { generateChannelId, generateToken } from "../../src/channels/generate.ts";
import type { ChannelContext } from "../../src/channels/lines.ts";
import { openLiveChannel } from "../../src/channels/live-channel.ts";
import { channelMemory } from "../../src/channels/memory.ts";
import type { ZohoSession } from "../../src/channels/session.ts";
import type { ChannelReservation } from "../../src/channels/take-over.ts";
import { crmWatch } from "../../src/channels/watch-products.ts";
import { secret } from "../../src/delivery/secrets.ts";
import type { Config } from "../../src/project/load.ts";
import type { Report } from "../../src/reports/text.ts";
import { type Sleep, sleepRealTime } from "../../src/util/timing.ts";
import { accountOf } from "../../src/zoho-api/env-sign-in.ts";
import { type Rig, startRig } from "../support/zoho-client.ts";

const LOOK_MS = 15 * MINUTE_MS;

let rig: Rig;
let reports: Report[];
let interrupt: AbortController;
let reservation: ChannelReservation;
beforeEach(async () => {
  rig = await startRig();
  reports = [];
  interrupt = new AbortController();
  const lock = { isTaken: async () => false, release: async () => {} };
  reservation = {
    id: generateChannelId(),
    token: secret(generateToken(), "test"),
    lock,
    orphan: undefined,
  };
});
afterEach(() => rig.close());

/** The part of a context that a live channel uses. */
function context(sleep: Sleep): ChannelContext {
  const part: Partial<ChannelContext> = {
    report: (each) => void reports.push(each),
    now: rig.clock.now,
    sleep,
    signal: interrupt.signal,
    invocation: "zoho-hooks",
  };
  return part as ChannelContext;
}

const memory = () =>
  channelMemory(
    rig.folder,
    { profile: rig.signIn.name, product: "crm", account: accountOf(rig.signIn) },
    () => new Date(),
  );

function open(url = "https://abc.example/hook", onEnd: (error: unknown) => void = () => {}, sleep = sleepRealTime) {
  const product = crmWatch;
  const api = rig.api();
  const session: ZohoSession = {
    // Only what deletes without a question looks at it.
    config: {} as Config,
    signIn: rig.signIn,
    http: rig.http,
    tokens: rig.tokens,
    product,
    api,
    apiOf: () => api,
    client: watchClient(api, product, interrupt.signal),
    memory: memory(),
    command: (words) => `zoho-hooks channels ${words} --product crm`,
    now: rig.clock.now,
    account: accountOf(rig.signIn),
    isZohoLocal: false,
    pollMs: LOOK_MS,
    folder: rig.folder,
  };
  return openLiveChannel({
    context: context(sleep),
    session,
    reservation,
    events: ["Leads.create", "Deals.update"],
    url,
    onEnd,
  });
}

const states = (): unknown[] => reports.map((each) => (each.type === "channel" ? each.state : each.type));

describe("a live channel at a Zoho that is not on this machine", () => {
  const looks = (): number => rig.server.requests.filter(({ method }) => method === "GET").length;

  it("is renewed after 15 minutes if another program has given it an hour", async () => {
    const channel = await open("https://abc.example/hook", undefined, rig.clock.wait);
    const before = looks();
    for (const row of rig.server.watch.rows()) row.expiresAt = rig.clock.now().getTime() + HOUR_MS;
    rig.clock.advance(LOOK_MS - 1);
    rig.clock.advance(1);
    await expect.poll(states).toEqual(["created", "renewed"]);
    expect(looks()).toBe(before + 1);
    expect(channel.state().time_left_ms).toBe(crmWatch.lifetime.defaultMs);
    await channel.close();
  });

  it("shows the time left that Zoho says", async () => {
    const channel = await open("https://abc.example/hook", undefined, rig.clock.wait);
    for (const row of rig.server.watch.rows()) row.expiresAt -= DAY_MS;
    rig.clock.advance(LOOK_MS);
    await expect.poll(() => channel.state().time_left_ms).toBe(crmWatch.lifetime.defaultMs - DAY_MS - LOOK_MS);
    const known = await memory().recall(channel.state().id);
    expect(known?.expiresAt?.toJSON()).toEqual(channel.state().expires_at);
    await channel.close();
  });
});

describe("a live channel", () => {
  it("is created for the URL and posts there with its token", async () => {
    const bodies: unknown[] = [];
    const app = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
    await new Promise<void>((listening) => app.listen(0, "127.0.0.1", listening));
    const address = app.address();
    const port = typeof address === "object" ? address?.port : 0;
    const channel = await open(`http://127.0.0.1:${port}/hook`);
    expect(await rig.server.notify("Leads.create", ["5725767000003000064"])).toEqual([200]);
    expect(bodies).toMatchObject([
      { token: reservation.token.reveal(), channel_id: channel.state().id, operation: "insert" },
    ]);
    expect(JSON.stringify(reports)).not.toContain(reservation.token.reveal());
    await channel.close();
    app.closeAllConnections();
    app.close();
  });

  it("follows a changed URL, even if it was lost meanwhile", async () => {
    const channel = await open();
    await channel.moveTo("https://second.example/hook");
    expect(rig.server.watch.rows().map((row) => row.notifyUrl)).toEqual(Array(2).fill("https://second.example/hook"));
    rig.server.watch.drop(channel.state().id);
    await channel.moveTo("https://third.example/hook");
    expect(rig.server.watch.rows()[0]).toMatchObject({
      notifyUrl: "https://third.example/hook",
      token: reservation.token.reveal(),
      related: false,
    });
    expect(channel.state().expires_at).toEqual(
      new Date(rig.clock.now().getTime() + crmWatch.lifetime.defaultMs).toJSON(),
    );
    expect(states()).toEqual(["created", "updated", "updated"]);
    await channel.close();
  });

  it("keeps the events that channels create --id set meanwhile", async () => {
    const channel = await open();
    const known = await memory().recall(channel.state().id);
    if (known === undefined) throw new Error("it is not remembered");
    await memory().remember({ ...known, events: ["Contacts.all"] });
    // It needs no list for that, which may show less than there is, or nothing.
    rig.server.trouble({ status: 403, body: { code: "OAUTH_SCOPE_MISMATCH" } }, 1, ({ method }) => method === "GET");
    await channel.moveTo("https://second.example/hook");
    expect(rig.server.watch.rows()).toMatchObject([
      {
        ...{ module: "Contacts", notifyUrl: "https://second.example/hook", token: reservation.token.reveal() },
        ...{ related: false, values: true },
      },
    ]);
    await channel.close();
  });

  it("is reported as lost if something else deletes it before its move succeeds", async () => {
    const channel = await open();
    rig.server.watch.drop(channel.state().id);
    rig.server.trouble("cut", 99, ({ method }) => method === "PUT" && !states().includes("warning"));
    await channel.moveTo("https://second.example/hook");
    await expect.poll(states).toEqual(["created", "warning", "lost", "updated"]);
    expect(rig.server.watch.rows()[0]?.notifyUrl).toBe("https://second.example/hook");
    await channel.close();
  });

  it("is moved by one write, also if it cannot be read afterwards", async () => {
    const channel = await open();
    rig.server.trouble({ status: 403, body: { code: "OAUTH_SCOPE_MISMATCH" } }, 1, ({ method }) => method === "GET");
    await channel.moveTo("https://second.example/hook");
    const reason = "it now posts to https://second.example/hook";
    expect(reports.slice(1)).toEqual([expect.objectContaining({ type: "channel", state: "updated", reason })]);
    await channel.close();
    expect(rig.server.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it("is not reported as missing once its listener is gone", async () => {
    const channel = await open();
    const [known] = await memory().all();
    expect(known).toMatchObject({
      id: channel.state().id,
      ofListener: true,
      expiresAt: new Date(channel.state().expires_at ?? ""),
    });
    expect(await memory().missing([], rig.clock.now())).toEqual([]);
    await channel.close();
  });

  it("is deleted after Ctrl-C, and reported only after reading the list", async () => {
    const channel = await open();
    interrupt.abort();
    expect(await channel.close()).toBe("deleted");
    expect(rig.server.watch.rows()).toEqual([]);
    // Shown before, because a second Ctrl-C leaves the channel behind.
    expect(reports).toContainEqual({
      type: "notice",
      message: expect.stringMatching(/^deleting channel \d+ \(if interrupted, run .*channels delete \d+ --yes/),
    });
    expect(states()).toEqual(["created", "notice", "deleted"]);
    expect(rig.server.requests.at(-1)).toMatchObject({ method: "GET" });
  });

  it("shows the delete command if Zoho keeps it or cannot be reached", async () => {
    const channel = await open();
    const refusal = { watch: [{ code: "INTERNAL_ERROR", message: "no", details: {}, status: "error" }] };
    rig.server.trouble({ status: 400, body: refusal }, 1, (each) => each.method === "DELETE");
    expect(await channel.close()).toBe("left");
    rig.server.trouble("cut", 99);
    expect(await channel.close()).toBe("left");
    const failures = reports.filter((each) => each.type === "channel" && each.state === "not_deleted");
    expect(failures).toMatchObject(
      Array(2).fill({ hint: `delete it with zoho-hooks channels delete ${channel.state().id} --yes --product crm` }),
    );
    expect(JSON.stringify(failures[0])).toContain("INTERNAL_ERROR");
  });
});
