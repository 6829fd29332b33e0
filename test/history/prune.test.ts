import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startListener } from "../support/listener.ts";
import { newEntry } from "../support/log-entry.ts";
import { type LoggedProject, leadBody, startLoggedProject } from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

let project: LoggedProject;
beforeEach(async () => {
  project = await startLoggedProject({ forward: false });
  for (let i = 0; i < 3; i++) await project.deliver("/webhooks/zoho/crm", leadBody({ email: `${i}@example.com` }));
});
afterEach(() => project.stop());

const inAnHourAndMore = () => new Date(Date.now() + 3_700_000);
const inAnHour = () => new Date(Date.now() + 3_600_000);

describe("events prune", () => {
  it("removes nothing that is within the limits, and reports it", async () => {
    const { exitCode, out } = await project.run(["events", "prune"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^nothing removed; the oldest left is #1 of \d{4}-\d\d-\d\d; the log takes \d+ kB\n$/);
  });

  it("wraps its sentence at a terminal", async () => {
    const { out } = await project.run(["events", "prune"], { outTTY: true, outColumns: 50 });
    expect(out).toMatch(/^nothing removed; .{1,33}\n {2}\S.*\n$/);
  });

  it("uses the limits of the settings, flags first", async () => {
    const env = { ZOHO_HOOKS_KEEP: "30m" };
    const kept = await project.run(["events", "prune", "--keep", "2h", "--json"], { env, now: inAnHour });
    expect(kept.lines()[0]).toMatchObject({ type: "pruned", removed: 0, keep_ms: 7_200_000, oldest: 1, waiting: 0 });
    const pruned = await project.run(["events", "prune"], { env, now: inAnHour });
    expect(pruned.out).toMatch(/^3 deliveries removed; nothing is left; /);
    expect((await project.run(["events", "show", "2"])).err).toContain("everything was pruned");
    // While newer ones are there, of this one.
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { err } = await project.run(["events", "show", "2"]);
    expect(err).toContain("it has been pruned");
  });

  it("removes the deliveries that wait for an app once it is given up", async () => {
    const cwd = tempFolder();
    const nobody = await freePort();
    const listener = await startListener(["--forward-to", String(nobody)], { cwd });
    await listener.post("/webhooks/zoho/crm", leadBody());
    await listener.line("target", { state: "down" });
    await listener.stop();
    const prune = (...flags: string[]) =>
      run(["events", "prune", "--keep", "1h", ...flags], { cwd, now: inAnHourAndMore });
    expect((await prune()).out).toContain("nothing removed");
    const other = await prune("--give-up", "1");
    expect([other.exitCode, other.err]).toEqual([2, expect.stringContaining(`http://localhost:${nobody}/`)]);
    const { out, err } = await prune("--give-up", String(nobody));
    expect(err).toMatch(/^1 delivery to http:\/\/localhost:\d+\/webhooks\/zoho\/crm marked as failed$/m);
    expect(out).toMatch(/^1 delivery removed; nothing is left/);
  });

  it("accepts an app's host as its name, but not an empty text", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, "events.db"), now: () => new Date() });
    for (const target of ["http://app.test/x", "http://localhost:3001/y"])
      await log.append(newEntry({ forward: { targets: [target] } }));
    await log.close();
    const giveUp = (text: string) =>
      run(["events", "prune", "--give-up", text], { cwd, env: { ZOHO_HOOKS_STORE: "events.db" } });
    expect((await giveUp("")).exitCode).toBe(2);
    expect((await giveUp("app.test")).err).toContain("1 delivery to http://app.test/x marked as failed");
    expect((await giveUp("localhost:3001")).err).toContain("1 delivery to http://localhost:3001/y marked as failed");
  });

  it("ignores a target in the log that is not a URL, and so does doctor", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    await log.append(newEntry({ forward: { targets: ["no URL"] } }));
    await log.close();
    const doctor = await run(["doctor", "--json"], { cwd });
    expect(doctor.lines()).toContainEqual(expect.objectContaining({ id: "log.health", outcome: "passed" }));
    const pruned = await run(["events", "prune", "--give-up", "no URL"], { cwd });
    expect([pruned.exitCode, pruned.err]).toEqual([
      0,
      expect.stringContaining("1 delivery to no URL marked as failed"),
    ]);
  });

  it.each([
    ["--keep", "soon"],
    ["--max-log", "big"],
  ])("refuses %s %s", async (...flags) => {
    expect((await project.run(["events", "prune", ...flags])).exitCode).toBe(2);
  });
});
