import { describe, expect, it, onTestFinished } from "vitest";
import { changes, type GrowingLog, type LogChange } from "../../src/history/changes.ts";
import type { LogFilter, LogRow } from "../../src/log/log.ts";
import { type EntryParts, newEntry } from "../support/log-entry.ts";
import { engines, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

const TARGET = "http://localhost:1/hook";
const NOTHING = { oldest: 0, newest: 0, lastAttempt: 0 };

function attempt(status = 200) {
  return { target: TARGET, at: new Date(), status, latencyMs: 1, error: undefined };
}

function numbers(items: readonly { readonly n: number }[] | undefined): readonly number[] | undefined {
  return items?.map(({ n }) => n);
}

function upTo(last: number, first = 1): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

describe.each(engines)("the changes of a log on %s", (engine) => {
  async function openTempLog(path = `${tempFolder()}/events.db`) {
    const log = await tempLog(engine, { path });
    return {
      log,
      path,
      async append(count: number, parts: EntryParts = {}): Promise<void> {
        for (let i = 0; i < count; i++) await log.append(newEntry(parts));
      },
    };
  }

  /** Returns what reads the next change; undefined at the end. */
  function follow(log: GrowingLog, options: Partial<Parameters<typeof changes>[1]> = {}) {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const following = changes(log, { from: NOTHING, signal: stop.signal, ...options });
    return async (): Promise<LogChange | undefined> => (await following.next()).value ?? undefined;
  }

  it("are deliveries, then their attempts, once each, from now on", async () => {
    const { log, append } = await openTempLog();
    await append(2);
    await log.recordAttempt(1, attempt());
    const next = follow(log, { from: await log.ends() });
    await append(2);
    await log.recordAttempt(4, attempt());
    const change = await next();
    expect([numbers(change?.rows), numbers(change?.attempts)]).toEqual([[3, 4], [4]]);
    expect(change).toMatchObject({ position: await log.ends(), isReplaced: false });
    await log.recordAttempt(1, attempt(500));
    expect(await next()).toMatchObject({ rows: [], attempts: [{ n: 1, status: 500 }] });
    await append(1);
    expect(numbers((await next())?.rows)).toEqual([5]);
  });

  it("come in steps of 500, in which an attempt and those after it wait for its delivery", async () => {
    const { log } = await openTempLog();
    await Promise.all(upTo(1200).map(() => log.append(newEntry())));
    for (const n of [3, 550, 1]) await log.recordAttempt(n, attempt());
    const next = follow(log, { until: 0 });
    const steps = [await next(), await next(), await next()];
    expect(steps.map((step) => numbers(step?.rows))).toEqual([upTo(500), upTo(1000, 501), upTo(1200, 1001)]);
    expect(steps.map((step) => numbers(step?.attempts))).toEqual([[3], [550, 1], []]);
    // All that is there has been read.
    expect(await next()).toBeUndefined();
  });

  it("have rows with the results of the attempts that are given with them", async () => {
    const { log, append } = await openTempLog();
    await append(1);
    await log.recordAttempt(1, attempt(500));
    let isRecorded = false;
    const racing: GrowingLog = {
      ends: () => log.ends(),
      attemptsAfter: (id) => log.attemptsAfter(id),
      async *rows(filter, options) {
        yield* log.rows(filter, options);
        if (!isRecorded) await log.recordAttempt(1, attempt(200));
        isRecorded = true;
      },
    };
    const next = follow(racing);
    expect(await next()).toMatchObject({ rows: [{ n: 1 }], attempts: [{ status: 500 }] });
    expect(await next()).toMatchObject({ rows: [], attempts: [{ status: 200 }] });
  });

  it("have the rows that match a filter, and all attempts", async () => {
    const { log, append } = await openTempLog();
    for (const product of ["desk", "crm", "desk", "crm"]) await append(1, { product });
    await log.recordAttempt(3, attempt());
    const filter: LogFilter = { product: "crm", after: 2 };
    const next = follow(log, { filter });
    const change = await next();
    expect([numbers(change?.rows), numbers(change?.attempts)]).toEqual([[4], [3]]);
    await append(1, { product: "desk" });
    expect(await next()).toMatchObject({ rows: [], position: { newest: 5 } });
  });

  it("name each damaged delivery once, and have the others", async () => {
    const { log, path, append } = await openTempLog();
    await append(4);
    await runSqlIn(engine, path, "UPDATE deliveries SET records = '[[' WHERE n IN (2, 4)");
    const damaged: number[] = [];
    const next = follow(log, { onDamaged: (n) => damaged.push(n) });
    expect(numbers((await next())?.rows)).toEqual([1, 3]);
    await append(1);
    expect(numbers((await next())?.rows)).toEqual([5]);
    expect(damaged).toEqual([2, 4]);
    await expect(follow(log)()).rejects.toMatchObject({ code: "log-damaged" });
  });

  it("go on at the end of a log that has replaced the one before", async () => {
    const { log, append } = await openTempLog();
    await append(2);
    await log.recordAttempt(1, attempt());
    const next = follow(log, { from: { oldest: 3, newest: 50, lastAttempt: 90 } });
    expect(await next()).toEqual({ rows: [], attempts: [], position: await log.ends(), isReplaced: true });
    await append(1);
    await log.recordAttempt(3, attempt());
    const change = await next();
    expect([numbers(change?.rows), numbers(change?.attempts), change?.isReplaced]).toEqual([[3], [3], false]);
  });

  it("tell what was pruned, and repeat no attempt and leave none out when the last one was", async () => {
    const { log, append } = await openTempLog();
    await append(1, { receivedAt: new Date(Date.now() - 60_000) });
    await append(1);
    for (const n of [2, 2, 1]) await log.recordAttempt(n, attempt());
    const next = follow(log);
    expect(numbers((await next())?.attempts)).toEqual([2, 2, 1]);
    await log.prune({ keepMs: 30_000 });
    expect(await next()).toMatchObject({ rows: [], attempts: [], position: { oldest: 2, newest: 2 } });
    await log.recordAttempt(2, attempt(500));
    expect(await next()).toMatchObject({ attempts: [{ n: 2, status: 500 }] });
  });

  it("begin again with the attempts of a log that was emptied", async () => {
    const { log, append } = await openTempLog();
    const receivedAt = new Date(Date.now() - 60_000);
    await append(2, { receivedAt });
    for (const n of [1, 2, 2]) await log.recordAttempt(n, attempt());
    const next = follow(log);
    await next();
    await log.prune({ keepMs: 30_000 });
    // It has been emptied and filled again within one interval.
    await append(1, { receivedAt });
    for (const status of [200, 500]) await log.recordAttempt(3, attempt(status));
    expect(await next()).toMatchObject({ rows: [{ n: 3 }], attempts: [{ status: 200 }, { status: 500 }] });
    await log.prune({ keepMs: 30_000 });
    expect((await next())?.position).toEqual({ oldest: 4, newest: 3, lastAttempt: 0 });
  });

  it("end on abort, while they are waited for and while rows are read", async () => {
    const { log, append } = await openTempLog();
    const stop = new AbortController();
    const next = follow(log, { signal: stop.signal });
    const waiting = next();
    stop.abort();
    expect(await waiting).toBeUndefined();
    await append(2);
    const stopMidway = new AbortController();
    const cut: GrowingLog = {
      ends: () => log.ends(),
      attemptsAfter: (id) => log.attemptsAfter(id),
      async *rows(filter, options): AsyncGenerator<LogRow> {
        for await (const row of log.rows(filter, options)) {
          yield row;
          stopMidway.abort();
        }
      },
    };
    expect(await follow(cut, { signal: stopMidway.signal })()).toBeUndefined();
  });
});
