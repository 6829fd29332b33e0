import { describe, expect, it } from "vitest";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

/** A terminal obeys the first three (`\u009b` begins a sequence); the others turn around what stands behind them. */
const OBEYED = "\u007f\u0085\u009b31m\u200e\u200f\u202a\u202e\u2066\u2069";
const RAW = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const NAME = `Zoë 渡辺 🦊 ${OBEYED}`;
const BODY = JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], token: "t", name: NAME });

describe("JSON lines", () => {
  it("escape the control characters of events, and keep their values", async () => {
    const cwd = tempFolder();
    const listener = await startListener([], { cwd });
    await listener.post("/webhooks/zoho/crm", BODY, { "content-type": "application/json" });
    await listener.event(1);
    await listener.stop();
    for (const argv of [
      ["events", "show", "1", "--json"],
      ["events", "list", "--json"],
    ]) {
      const { out, lines } = await run(argv, { cwd });
      expect(out).not.toMatch(RAW);
      expect(out).toContain("Zoë 渡辺 🦊 \\u007f\\u0085\\u009b31m\\u200e");
      expect(lines()).toMatchObject([{ body: { name: NAME } }]);
    }
  });

  it("escape a delete character in an ASCII body", async () => {
    const { out, lines } = await run(["verify", "-", "--json"], { stdin: '{"module":"a\u007fb"}' });
    expect(out).not.toMatch(RAW);
    expect(lines()[0]).toMatchObject({ body: { module: "a\u007fb" } });
  });

  it("escape the control characters of an error", async () => {
    const { exitCode, err } = await run(["products", `crm${OBEYED}`, "--json"]);
    expect(exitCode).toBe(2);
    expect(err).not.toMatch(RAW);
    expect(JSON.parse(err).error.message).toContain("\u202e");
  });
});
