import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { IS_LONG } from "../support/faults.ts";
import { app, CRM, lead } from "../support/forward-run.ts";
import type { ListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { runSql } from "../support/postgres.ts";
import { yes } from "../support/target-app.ts";
import { arrivals, startMember, startServer, statesOf } from "../support/team.ts";

const SAME = IS_LONG ? 10_000 : 300;

async function post({ url }: ListenProcess, body: string): Promise<void> {
  const response = await fetch(url + CRM, { method: "POST", body, headers: { "content-type": "application/json" } });
  await response.text();
  expect(response.status).toBe(200);
}

/** Posts so many, some at a time, so that their order is that of their numbers in the log. */
async function postAll(receivers: readonly ListenProcess[], count: number, body: (i: number) => string): Promise<void> {
  let next = 0;
  const connection = async (receiver: ListenProcess) => {
    for (let i = next++; i < count; i = next++) await post(receiver, body(i));
  };
  await Promise.all(Array.from({ length: 8 }, (_, k) => connection(receivers[k % receivers.length] as ListenProcess)));
}

describe.skipIf(lacks("postgresql"))("workers on one log in PostgreSQL", () => {
  it("settle nothing twice when one of them has slept past its lease", async () => {
    const store = (await startServer()).address("team");
    const held: ServerResponse[] = [];
    const target = await app((response) => void held.push(response));
    const receiver = await startMember(store, ["--role", "receive", target.url]);
    const sleeper = await startMember(store, ["--role", "deliver", "--admin", "0", target.url]);
    const admin = /http:\S+(?=\/metrics)/.exec(JSON.stringify(sleeper.lines))?.[0];
    await postAll([receiver], 40, lead);
    await target.came(16);
    process.kill(sleeper.pid, "SIGSTOP");
    target.answer(yes);
    const other = await startMember(store, ["--role", "deliver", target.url]);
    await expect.poll(() => statesOf(store), { interval: 100 }).toEqual({ delivered: 40 });
    process.kill(sleeper.pid, "SIGCONT");
    for (const response of held) response.end("OK");
    const losses = async () => /lease_losses_total (\d+)/.exec(await (await fetch(`${admin}/metrics`)).text())?.[1];
    await expect.poll(losses, { interval: 100 }).toBe("16");
    expect(await runSql(store, "SELECT DISTINCT state, attempts FROM forwards")).toEqual([{ state: 2, attempts: 1 }]);
    expect(arrivals(target.seen)).toMatchObject({ leads: { size: 40 }, repeats: 16 });
    expect((await other.stop()).summary).toMatchObject({ forwards: { delivered: 40 } });
  });
});

describe.skipIf(lacks("postgresql"))("three receivers on one log in PostgreSQL", () => {
  it(`mark all but one of each of the same ${SAME} deliveries`, async () => {
    const store = (await startServer()).address("team");
    const receivers = [await startMember(store, []), await startMember(store, []), await startMember(store, [])];
    const shifted = (by: number) => (i: number) => lead((i + by) % SAME);
    await Promise.all(receivers.map((each, k) => postAll([each], SAME, shifted(Math.floor((k * SAME) / 3)))));
    const [counts] = await runSql(
      store,
      `SELECT count(*) FILTER (WHERE d.duplicate_of IS NULL)::integer AS originals,
         count(o.n) FILTER (WHERE o.duplicate_of IS NULL AND o.identity = d.identity AND o.n < d.n)::integer AS marked
       FROM deliveries AS d LEFT JOIN deliveries AS o ON o.n = d.duplicate_of`,
    );
    process.stdout.write(`the same ${SAME} to 3 receivers: ${JSON.stringify(counts)}\n`);
    expect(counts).toEqual({ originals: SAME, marked: 2 * SAME });
  });
});
