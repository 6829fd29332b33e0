import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newEntry } from "../support/log-entry.ts";
import { engines, tempFolder, tempLog } from "../support/temp-log.ts";

const TARGET = "http://localhost:3000/";

describe.each(engines)("a log on %s that a receiver has open", (engine) => {
  it("tells the receiver of what another process has put into it", async () => {
    const path = join(tempFolder(), "events.db");
    const receiver = await tempLog(engine, { path });
    await receiver.lock({ pid: 4711, url: undefined, since: new Date() });
    const told: string[] = [];
    const end = receiver.queue.onWork((target) => told.push(target));
    const other = await tempLog(engine, { path });
    await other.append(newEntry({ forward: { targets: [TARGET] } }));
    await expect.poll(() => told).toContain(TARGET);
    end();
  });

  it("gives a command's duty to one process at a time", async () => {
    const path = join(tempFolder(), "events.db");
    const receiver = await tempLog(engine, { path });
    await receiver.lock({ pid: 4711, url: undefined, since: new Date() });
    const [first, second] = [await tempLog(engine, { path }), await tempLog(engine, { path })];
    const duty = await first.takeDuty("reconcile");
    expect(duty).toBeDefined();
    expect(await second.takeDuty("reconcile")).toBeUndefined();
    await duty?.release();
    const next = await second.takeDuty("reconcile");
    expect(next).toBeDefined();
    await next?.release();
  });
});
