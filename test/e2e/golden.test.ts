import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { atTerminal, runBin } from "../support/bin.ts";
import {
  expectGolden,
  type GoldenWorld,
  plainText,
  secrets,
  startGoldenWorld,
  title,
  toListen,
} from "../support/golden.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

interface Mode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Why this one: test/cli/golden.test.ts. */
const terminal: Mode = { name: "terminal", env: {} };
const withoutColours: readonly Mode[] = [
  { name: "NO_COLOR", env: { NO_COLOR: "1" } },
  { name: "TERM=dumb", env: { TERM: "dumb" } },
];

let world: GoldenWorld;
beforeAll(async () => {
  world = await startGoldenWorld();
});
afterAll(() => world.close());

const screen = (argv: readonly string[], { env }: Mode) =>
  // Called by npx, the program has a name of the same length wherever it lies: lines break by it.
  atTerminal(argv, { env: { npm_command: "exec", ...secrets, ...env }, cwd: world.folder, columns: 100 });

async function transcript(lines: readonly (readonly string[])[], mode: Mode): Promise<string> {
  let all = "";
  // For what is said once.
  const env = { ...mode.env, XDG_CONFIG_HOME: tempFolder() };
  for (const argv of lines) {
    const { status, text } = await screen(argv, { ...mode, env }).ended;
    all += `${title(argv)}${text}[exit ${status}]\n\n`;
  }
  return all;
}

describe.skipIf(lacks("script of util-linux"))("the output at a terminal is as pinned:", { timeout: 60_000 }, () => {
  it("verify, products and wrong command lines", async () => {
    await expectGolden(await transcript(world.commands, terminal), "commands.terminal");
  });

  it("send", async () => {
    await expectGolden(await transcript(world.sends, terminal), "send.terminal");
  });

  it("listen", async () => {
    const env = { XDG_CONFIG_HOME: tempFolder() };
    const child = screen(["listen", "--port", "0", "--no-store"], { ...terminal, env });
    const [, port = ""] = await child.shown(/127\.0\.0\.1:(\d+)/);
    for (const words of toListen) await runBin(["send", ...words, "--to", port], { env: secrets });
    await child.shown(/challenge/);
    child.type("\u0003");
    const { status, text } = await child.ended;
    await expectGolden(`${text}[exit ${status}]\n`, "listen.terminal");
  });

  it("the same text without colours, with NO_COLOR or TERM=dumb", async () => {
    for (const lines of [world.commands, world.sends]) {
      const expected = plainText(await transcript(lines, terminal));
      for (const mode of withoutColours) {
        const text = await transcript(lines, mode);
        expect(text).not.toContain("\u001b[");
        expect(plainText(text)).toBe(expected);
      }
    }
  });
});
