import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { cpuMsOf } from "../support/cpu-time.ts";
import { newEntry } from "../support/log-entry.ts";
import { leadBody, ticketBody } from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";

const COUNT = 20_000;
const cwd = tempFolder();
/** Stands still, however long the log takes to fill. */
const NOW = new Date();

beforeAll(async () => {
  const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
  const writes: Promise<unknown>[] = [];
  for (let i = 0; i < COUNT; i++) {
    const lead = i % 2 === 0;
    writes.push(
      log.append(
        newEntry({
          body: lead ? leadBody({ email: `person.${i}.x@example.com` }) : ticketBody(`number ${i}`),
          product: lead ? "crm" : "desk",
          event: lead ? "Leads.create" : "Ticket.Create",
          receivedAt: new Date(NOW.getTime() - (COUNT - i) * 1000),
        }),
      ),
    );
    if (writes.length === 1000) await Promise.all(writes.splice(0));
  }
  await log.close();
  // The first run loads the code.
  await run(["events", "list", "--limit", "1"], { cwd });
}, 60_000);

/** CPU time. Far too little for reading the whole log row by row into JavaScript. */
const SOON_MS = 1000;

describe("a log of large bodies", () => {
  it("is listed soon, since a line shows only the size of its body", async () => {
    const folder = tempFolder();
    const log = await openLog({ path: join(folder, ".zoho-hooks", "events.db"), now: () => new Date() });
    const body = JSON.stringify({ list: Array.from({ length: 200_000 }, (_, id) => ({ id, name: "a name" })) });
    for (let i = 0; i < 10; i++) await log.append(newEntry({ body }));
    await log.close();
    const list = async () => {
      const { out } = await run(["events", "list"], { cwd: folder });
      expect(out.match(/#\d+ .* MB/g)).toHaveLength(10);
    };
    expect(await cpuMsOf(list)).toBeLessThan(SOON_MS);
  });
});

describe("a log of twenty thousand", () => {
  it.each([
    [["list", "--json"], 50],
    [["list", "--json", "--product", "crm", "--limit", "10"], 10],
    [["list", "--json", "--event", "desk:Ticket.*", "--limit", "10"], 10],
    [["list", "--json", "--since", "1m"], 50],
    [["list", "--json", "--only", "failed"], 0],
    [["list", "--json", "--only", "invalid"], 0],
    [["list", "--json", "--only", "4xx"], 0],
    [["list", "--json", "--where", "data.Email=person.0.x@example.com"], 1],
    [["show", "1", "--json"], 1],
    [["show", "last", "--json"], 1],
    [["stats", "--json"], 1],
  ])("answers %j soon", async (argv, count) => {
    const ask = async () => {
      const { lines, exitCode } = await run(["events", ...argv], { cwd, now: () => NOW });
      expect(exitCode).toBe(0);
      expect(lines()).toHaveLength(count);
    };
    expect(await cpuMsOf(ask)).toBeLessThan(SOON_MS);
  });
});
