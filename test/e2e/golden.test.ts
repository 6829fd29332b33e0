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
  readonly columns: number;
}

const terminal: Mode = { name: "terminal", env: {}, columns: 100 };
const withoutColours: readonly Mode[] = [
  { name: "NO_COLOR", env: { NO_COLOR: "1" }, columns: 100 },
  { name: "TERM=dumb", env: { TERM: "dumb" }, columns: 100 },
];

/** Why these: test/cli/golden.test.ts. */
const modes: readonly Mode[] = [terminal, { name: "terminal-narrow", env: { NO_COLOR: "1" }, columns: 60 }];

let world: GoldenWorld;
beforeAll(async () => {
  world = await startGoldenWorld();
});
afterAll(() => world.close());

const screen = (argv: readonly string[], { env, columns }: Mode) =>
  // Called by npx, the program has a name of the same length wherever it lies: lines break by it.
  atTerminal(argv, { env: { npm_command: "exec", ...secrets, ...env }, cwd: world.folder, columns });

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
  it.each(modes)("verify, products and wrong command lines ($name)", async (mode) => {
    await expectGolden(await transcript(world.commands, mode), `commands.${mode.name}`);
  });

  it.each(modes)("send ($name)", async (mode) => {
    await expectGolden(await transcript(world.sends, mode), `send.${mode.name}`);
  });

  it.each(modes)("listen ($name)", async (mode) => {
    const env = { ...mode.env, XDG_CONFIG_HOME: tempFolder() };
    const child = screen(["listen", "--port", "0", "--no-store"], { ...mode, env });
    const [, port = ""] = await child.shown(/127\.0\.0\.1:(\d+)/);
    for (const words of toListen) await runBin(["send", ...words, "--to", port], { env: secrets });
    await child.shown(/challenge/);
    child.type("\u0003");
    const { status, text } = await child.ended;
    await expectGolden(`${text}[exit ${status}]\n`, `listen.${mode.name}`);
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
