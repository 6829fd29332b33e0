import { afterAll, beforeAll, describe, it } from "vitest";
import { atTerminal, hasTerminal, runBin } from "../support/bin.ts";
import { expectGolden, type GoldenWorld, secrets, startGoldenWorld, title, toListen } from "../support/golden.ts";
import { tempFolder } from "../support/run.ts";

interface Mode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns: number;
}

const modes: readonly Mode[] = [
  { name: "terminal", env: {}, columns: 100 },
  { name: "terminal-no-color", env: { NO_COLOR: "1" }, columns: 100 },
  { name: "terminal-dumb", env: { TERM: "dumb" }, columns: 100 },
  { name: "terminal-narrow", env: { NO_COLOR: "1" }, columns: 60 },
];

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

describe.skipIf(!hasTerminal)("the output at a terminal is as pinned:", { timeout: 60_000 }, () => {
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
});
