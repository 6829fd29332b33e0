import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/channels/expiry.ts";
import { clock, linesOf, start, startChannelListeners, statesOf, world, zoho } from "../support/channel-listener.ts";
import { isWatch } from "../support/channel-world.ts";
import type { Listener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { run } from "../support/run.ts";

const LEAD = "5725767000003000064";
const KEY = { ZOHO_HOOKS_STORE_KEY: "a long random text of the tests" };
startChannelListeners();

/** Each in a folder of its own, as on a machine of its own. */
const receiver = (store: string): Promise<Listener> =>
  start(["--channel", "Leads.create", "--store", store], world(KEY));

/** What the receivers wait for by the clock of the tests comes while this runs. */
const until = <T>(look: () => T) =>
  expect.poll(async () => {
    await clock.advance(5000);
    return look();
  });

describe.skipIf(lacks("postgresql"))("listen --channel on a log that receivers share", () => {
  it("creates one channel for all receivers of a URL, whose token each of them knows", async () => {
    const store = await sharedAddress(randomUUID());
    const [first, second] = [await receiver(store), await receiver(store)];
    expect(zoho.watch.rows()).toHaveLength(1);
    expect(linesOf(first, "ready")[0]?.registered).toMatchObject([{ events: ["Leads.create"] }]);
    expect(linesOf(second, "ready")[0]).toMatchObject({
      registered: [],
      notes: expect.arrayContaining([expect.stringContaining("Another receiver is renewing the channel for")]),
    });
    // The tunnel leads to the one that has opened it last.
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    const { signatures } = await second.event(1);
    expect(signatures).toContainEqual(expect.objectContaining({ id: "token", result: "verified" }));
    const forged = JSON.stringify({
      module: "Leads",
      operation: "insert",
      ids: [LEAD],
      channel_id: zoho.watch.rows()[0]?.channelId,
      token: "x",
    });
    expect((await second.post("/webhooks/zoho/crm", forged)).status).toBe(401);
    expect(JSON.stringify(await runSql(store, "SELECT encode(value, 'escape') AS value FROM secrets"))).not.toContain(
      String(zoho.watch.rows()[0]?.token),
    );
  });

  it("leaves the channel to another receiver at its end, which renews it from then on", async () => {
    const store = await sharedAddress(randomUUID());
    const [first, second] = [await receiver(store), await receiver(store)];
    const [before] = zoho.watch.rows();
    expect((await first.stop()).exitCode).toBe(0);
    expect(zoho.watch.rows()).toHaveLength(1);
    await until(() => statesOf(second)).toEqual(["updated"]);
    expect(zoho.watch.rows()).toMatchObject([{ channelId: before?.channelId, token: before?.token }]);
    // The last one deletes it.
    expect((await second.stop()).exitCode).toBe(0);
    expect(zoho.watch.rows()).toHaveLength(0);
  });

  it("takes the channel over when the connection of the one that had it breaks", async () => {
    const store = await sharedAddress(randomUUID());
    const [first, second] = [await receiver(store), await receiver(store)];
    const [before] = zoho.watch.rows();
    // As the end of its process or machine does.
    await first.line("ready");
    await runSql(
      store,
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = hashtext(current_schema() || ' duties')::bigint & 4294967295",
    );
    await until(() => [...statesOf(first), ...statesOf(second)].filter((state) => state === "updated")).toHaveLength(1);
    expect(zoho.watch.rows()).toMatchObject([{ channelId: before?.channelId, token: before?.token }]);
  });

  it("is renewed by the one that has it only, when Zoho has made it older", async () => {
    const store = await sharedAddress(randomUUID());
    const [first, second] = [await receiver(store), await receiver(store)];
    zoho.advance(6 * DAY_MS);
    await until(() => [statesOf(first), statesOf(second)]).toEqual([["created", "renewed"], []]);
    zoho.advance(8 * DAY_MS);
    await until(() => [statesOf(first), statesOf(second)]).toEqual([["created", "renewed", "lost", "created"], []]);
    expect(zoho.requests.filter(isWatch("PUT"))).toHaveLength(2);
  });

  it("needs the key of the store", async () => {
    const store = await sharedAddress(randomUUID());
    const { exitCode, err } = await run(
      ["listen", "--port", "0", "--channel", "Leads.create", "--store", store],
      world(),
    );
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_HOOKS_STORE_KEY is not set in the environment");
    expect(zoho.watch.rows()).toHaveLength(0);
  });
});
