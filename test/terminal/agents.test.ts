import { describe, expect, it } from "vitest";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const HINT = "--json prints this as JSON lines: zoho-hooks help json\n";
const env = { CLAUDECODE: "1" };

describe("the hint for a coding agent", () => {
  it("is on stderr once, however much is reported", async () => {
    const { out, err } = await run(["fixtures", "list", "crm"], { env: { AI_AGENT: "some-agent" } });
    expect(out.split("\n").length).toBeGreaterThan(3);
    expect(err).toBe(HINT);
  });

  it.each([
    ["with --json", ["products", "--json"], env],
    ["with --quiet", ["products", "--quiet"], env],
    ["for a person", ["products"], { CLAUDECODE: "" }],
    ["beside a file that is printed as it is", ["fixtures", "show", "crm", "Leads.create"], env],
  ])("is not there %s", async (_, argv, variables) => {
    const { exitCode, err } = await run(argv, { env: variables });
    expect([exitCode, err]).toEqual([0, ""]);
  });

  it("does not disturb listen --json", async () => {
    const listener = await startListener(["--no-store"], { env });
    const { err } = await listener.stop();
    expect(err).not.toContain(HINT);
  });
});
