import { describe, expect, it } from "vitest";
import { atTerminal } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

const ESCAPE = "\u001b";
const FORCED = { NO_COLOR: undefined, FORCE_COLOR: undefined };

describe.skipIf(lacks("script of util-linux"))("a terminal that a coding agent has opened", { timeout: 60_000 }, () => {
  it.each(["AI_AGENT", "CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI", "CODEX_SANDBOX"])(
    "has no colours with %s",
    async (name) => {
      const { status, text } = await atTerminal(["products", "crm"], { env: { ...FORCED, [name]: "1" } }).ended;
      expect([status, text]).toEqual([0, expect.stringContaining("--json prints this as JSON lines")]);
      expect(text).not.toContain(ESCAPE);
      expect((await atTerminal(["products", "crm"], { env: FORCED }).ended).text).toContain(ESCAPE);
    },
  );

  it("takes no keys in listen, and draws no status line", async () => {
    const argv = ["listen", "--port", "0", "--no-store"];
    const agent = atTerminal(argv, { env: { CLAUDECODE: "1" } });
    await agent.shown(/Ready\./);
    agent.type("?");
    agent.type("\u0003");
    const { status, text } = await agent.ended;
    expect(status).toBe(0);
    expect(text).toContain("Ready.");
    expect(text).not.toMatch(/keys {2,}press \?/);
    expect(text).not.toContain(ESCAPE);
    const person = atTerminal(argv);
    await person.shown(/keys {2,}.*press \?/);
    person.type("\u0003");
    await person.ended;
  });

  it("asks nothing", async () => {
    const cwd = tempFolder();
    const { status, text } = await atTerminal(["init"], { cwd, env: { CURSOR_AGENT: "1" } }).ended;
    expect([status, text]).toEqual([2, expect.stringContaining("there is no terminal to ask for")]);
  });
});
