import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { IS_LONG } from "../support/faults.ts";
import { app, CRM, lead } from "../support/forward-run.ts";
import type { ListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { runSql } from "../support/postgres.ts";
import { type Seen, valuesOf } from "../support/target.ts";
import { yes } from "../support/target-app.ts";
import { arrivals, startMember, startServer, statesOf } from "../support/team.ts";

/** Of one record. */
const IN_ORDER = IS_LONG ? 10_000 : 300;
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

const numberOf = (seen: Seen): number => Number(valuesOf(seen, "x-zoho-hooks-event")[0]);

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

  it(`deliver ${IN_ORDER} of one record in order, though one of them dies`, async () => {
    const store = (await startServer()).address("team");
    const target = await app();
    const start = (role: string) => startMember(store, ["--role", role, "--ordered", target.url]);
    const receivers = [await start("receive"), await start("receive")];
    const first = await start("deliver");
    const half = IN_ORDER / 2;
    const arrivedAt: number[] = [];
    let release: (() => void) | undefined;
    target.answer((response) => {
      arrivedAt.push(performance.now());
      if (arrivedAt.length !== half) return void response.end("OK");
      release = () => void response.destroy();
    });
    await postAll(receivers, IN_ORDER, (i) => lead(i, "4876876000001400001"));
    await target.came(half);
    const others = [await start("deliver"), await start("deliver")];
    await first.kill();
    release?.();
    await expect.poll(() => statesOf(store), { interval: 100 }).toEqual({ delivered: IN_ORDER });
    const numbers = target.seen.map(numberOf);
    const inversions = numbers.filter((n, i) => i > 0 && n < (numbers[i - 1] ?? 0)).length;
    expect([inversions, new Set(numbers).size, numbers.length]).toEqual([0, IN_ORDER, IN_ORDER + 1]);
    // Of the last tenth and of the first one that came after the death.
    const tenth = IN_ORDER / 10;
    const took = (from: number) => (arrivedAt[from + tenth] ?? Number.NaN) - (arrivedAt[from] ?? Number.NaN);
    process.stdout.write(
      `${IN_ORDER} of one record: ${inversions} inversions, 1 repeated; a tenth took ${took(half).toFixed(0)} ms ` +
        `after the death, ${took(IN_ORDER - tenth).toFixed(0)} ms at the end\n`,
    );
    if (IS_LONG) expect(took(IN_ORDER - tenth)).toBeLessThan(3 * took(half));
    for (const each of others) await each.stop();
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
