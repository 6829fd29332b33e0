import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/run.ts";

const BIN = join(import.meta.dirname, "../../bin/zoho-hooks.js");
// Of util-linux: gives its command a terminal. The script of macOS takes other arguments.
const hasTerminal = process.platform === "linux" && /util-linux/.test(String(spawnSync("script", ["-V"]).stdout));

type Step = readonly [shown: string, typed: string];

/** Runs a command line at a terminal: each step types as soon as its text is shown, behind that of the step before. */
function atTerminal(
  cwd: string,
  command: string,
  steps: readonly Step[],
): Promise<{ status: number | null; screen: string }> {
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd, env: { ...process.env, TERM: "xterm" } });
  let screen = "";
  let seen = 0;
  const left = [...steps];
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    for (let step = left[0]; step !== undefined; step = left[0]) {
      const at = screen.indexOf(step[0], seen);
      if (at === -1) return;
      seen = at + step[0].length;
      left.shift();
      child.stdin.write(step[1]);
    }
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, screen })));
}

describe.skipIf(!hasTerminal)("init at a real terminal", () => {
  const command = `'${process.execPath}' '${BIN}' init`;

  it("asks its questions and writes what was answered", { timeout: 60_000 }, async () => {
    const cwd = tempFolder();
    const { status, screen } = await atTerminal(cwd, `${command} --port 4462`, [
      ["Which products", " \r"],
      ["What will send it", "\u001b[B\r"],
      ["your own app", "3000\r"],
      ["ZOHO_WEBHOOK_SECRET, which", "\u001b[B\r"],
      ["toggle visibility", "typed-secret\r"],
      ["ZOHO_WEBHOOK_TOKEN, which", "\r"],
    ]);
    expect(screen).toContain("created");
    expect(screen).not.toContain("typed-secret");
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, "zoho-hooks.config.json"), "utf8"))).toEqual({
      products: { crm: { format: "wire" } },
      port: 4462,
      forwardTo: "3000",
    });
    expect(readFileSync(join(cwd, ".env"), "utf8")).toMatch(
      /^ZOHO_WEBHOOK_SECRET=typed-secret\nZOHO_WEBHOOK_TOKEN=[0-9a-f]{48}\n$/,
    );
  });

  it("writes nothing when Ctrl-C is the answer", { timeout: 60_000 }, async () => {
    const cwd = tempFolder();
    const { status, screen } = await atTerminal(cwd, command, [["Which products", "\u0003"]]);
    expect(screen).toContain("cancelled: nothing was changed");
    expect(status).toBe(130);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
  });
});
