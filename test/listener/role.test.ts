import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { run } from "../support/run.ts";

const SHARED = "postgres://user:SEKRET@127.0.0.1:1/none";

describe("--role deliver", () => {
  const refuses: readonly (readonly [string, readonly string[], string])[] = [
    ["a SQLite log", ["3000"], "only one writes a SQLite log"],
    ["no log", ["3000", "--no-store"], "only one writes a SQLite log"],
    ["no target", ["--store", SHARED], "--role deliver needs a target"],
    ["--expect", ["3000", "--store", SHARED, "--expect", "crm:*"], "--expect does nothing with --role deliver"],
    ["--exec", ["3000", "--store", SHARED, "--exec", "true"], "--exec does nothing with --role deliver"],
    ["--channel", ["3000", "--store", SHARED, "--channel", "Leads.all"], "--channel does nothing with --role deliver"],
    ["--port", ["3000", "--store", SHARED, "--port", "0"], "--port does nothing with --role deliver"],
  ];

  it.each(refuses)("is refused with %s", async (_, argv, reason) => {
    const { exitCode, err } = await run(["listen", "--role", "deliver", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(reason);
    expect(err.trim().split("\n").length).toBeLessThanOrEqual(2);
    expect(err).not.toContain("SEKRET");
  });
});

describe("--role receive", () => {
  it("records deliveries with their targets and sends nothing, and the next listen sends them", async () => {
    const target = await app();
    const cwd = folderWith({});
    const receiver = await listen([target.url, "--role", "receive"], { cwd });
    expect((await receiver.post(CRM, lead(1))).status).toBe(200);
    const { exitCode, lines } = await receiver.stop();
    expect(exitCode).toBe(0);
    expect(lines().find(({ type }) => type === "ready")).toMatchObject({ role: "receive" });
    expect(target.seen).toHaveLength(0);
    const both = await listen([target.url], { cwd });
    await target.came(1);
    await both.stop();
  });

  it.each([
    ["--respond mirror", ["--respond", "mirror"]],
    ["--no-store", ["--no-store"]],
  ])("is refused with %s, which leaves nothing to record for others", async (flag, argv) => {
    const { exitCode, err } = await run(["listen", "3000", "--role", "receive", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(flag);
  });
});

it("refuses an unknown role", async () => {
  const { exitCode, err } = await run(["listen", "--role", "worker"]);
  expect(exitCode).toBe(2);
  expect(err).toContain('--role: "worker" is not one of receive, deliver, both');
});
