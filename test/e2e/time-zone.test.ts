import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { runBin } from "../support/bin.ts";
import { newEntry } from "../support/log-entry.ts";
import { tempFolder } from "../support/run.ts";

const cwd = tempFolder();
/** Half an hour beside the hours of UTC: 00:40 on the first of March, by its clock. */
const env = { TZ: "Asia/Kolkata" };

beforeAll(async () => {
  const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
  await log.append(newEntry({ receivedAt: new Date("2026-02-28T19:10:00Z") }));
  await log.close();
});

describe("a time zone with half hours", () => {
  it("has each hour of events stats begin when it does", async () => {
    const { stdout } = await runBin(["events", "stats"], { cwd, env });
    expect(stdout).toMatch(/^2026-03-01 00:30\s+1$/m);
  });

  it("names itself where a time cannot be read", async () => {
    const { stderr } = await runBin(["events", "list", "--since", "noon"], { cwd, env });
    expect(stderr).toMatch(/2026-05-01T10:00, in Asia\/(?:Kolkata|Calcutta)$/m);
  });

  it.each([
    ["2026-03", 1],
    ["2026-03-01", 1],
    ["2026-04", 0],
  ])("has --since and --until %s begin and end with its own day", async (day, count) => {
    const list = async (flag: string) => (await runBin(["events", "list", "--json", flag, day], { cwd, env })).stdout;
    expect((await list("--since")).match(/\n/g) ?? []).toHaveLength(count);
    expect((await list("--until")).match(/\n/g) ?? []).toHaveLength(1 - count);
  });
});
