import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atTerminal } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

type Step = readonly [shown: RegExp, typed: string];

/** Types each answer as soon as its question is shown. */
async function init(
  argv: readonly string[],
  cwd: string,
  steps: readonly Step[],
): Promise<{ status: number | null; text: string }> {
  const screen = atTerminal(["init", ...argv], { cwd });
  for (const [shown, typed] of steps) {
    await screen.shown(shown);
    screen.type(typed);
  }
  return screen.ended;
}

describe.skipIf(lacks("script of util-linux"))("init at a real terminal", () => {
  it("asks its questions and writes the answers", { timeout: 60_000 }, async () => {
    const cwd = tempFolder();
    const { status } = await init([], cwd, [
      [/Which products/, " \r"],
      [/your app/, "3000\r"],
    ]);
    expect(status).toBe(0);
    expect(existsSync(join(cwd, "AGENTS.md"))).toBe(false);
    const config = readFileSync(join(cwd, "zoho-hooks.config.json"), "utf8");
    expect(JSON.parse(config)).toEqual({ products: { crm: {} }, forwardTo: "3000" });
    expect(readFileSync(join(cwd, ".env"), "utf8")).toMatch(/^ZOHO_WEBHOOK_TOKEN=[0-9a-f]{48}\n$/);
  });

  it("asks for the secrets of a clone, and shows none", { timeout: 60_000 }, async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products":{"books":{},"crm":{}}}' });
    const { status, text } = await init([], cwd, [
      [/ZOHO_WEBHOOK_TOKEN is not in/, "\r"],
      [/toggle visibility/, "typed-secret\r"],
      [/ZOHO_WEBHOOK_SECRET is not in/, "\u001b[B\r"],
    ]);
    expect(text).toContain("created");
    expect(text).not.toContain("typed-secret");
    expect(status).toBe(0);
    expect(readFileSync(join(cwd, ".env"), "utf8")).toMatch(
      /^ZOHO_WEBHOOK_TOKEN=typed-secret\nZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\n$/,
    );
  });

  it("writes nothing after Ctrl-C", { timeout: 60_000 }, async () => {
    const cwd = tempFolder();
    const { status, text } = await init([], cwd, [[/Which products/, "\u0003"]]);
    expect(text).toContain("cancelled: nothing was changed");
    expect(status).toBe(130);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
  });
});
