import { afterAll, beforeAll, describe, it } from "vitest";
import { expectGolden, type GoldenWorld, secrets, startGoldenWorld, title, toListen } from "../support/golden.ts";
import { type RunResult, run, tempFolder } from "../support/run.ts";

interface Mode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

const modes: readonly Mode[] = [
  { name: "pipe", env: {}, flags: [] },
  { name: "json", env: {}, flags: ["--json"] },
  { name: "quiet", env: {}, flags: ["--quiet"] },
  { name: "pipe-forced-color", env: { FORCE_COLOR: "1" }, flags: [] },
];

let world: GoldenWorld;
beforeAll(async () => {
  world = await startGoldenWorld();
});
afterAll(() => world.close());

const printed = ({ out, err, exitCode }: RunResult): string =>
  `${out}${err === "" ? "" : `[stderr]\n${err}`}[exit ${exitCode}]\n`;

async function transcript(lines: readonly (readonly string[])[], { env, flags }: Mode): Promise<string> {
  let all = "";
  // For what is said once.
  const allEnv = { ...secrets, ...env, XDG_CONFIG_HOME: tempFolder() };
  for (const line of lines) {
    const argv = [...line, ...flags];
    all += `${title(argv)}${printed(await run(argv, { env: allEnv, cwd: world.folder }))}\n`;
  }
  return all;
}

describe("the output to a pipe is as pinned:", () => {
  it.each(modes)("verify, products and wrong command lines ($name)", async (mode) => {
    await expectGolden(await transcript(world.commands, mode), `commands.${mode.name}`);
  });

  it.each(modes)("send ($name)", async (mode) => {
    await expectGolden(await transcript(world.sends, mode), `send.${mode.name}`);
  });

  it.each(modes)("listen ($name)", async ({ name, env, flags }) => {
    const interrupt = new AbortController();
    let ready: (port: string) => void;
    const port = new Promise<string>((resolve) => {
      ready = resolve;
    });
    // With --quiet a challenge is not shown.
    const last = name === "quiet" ? "payment_failed" : "challenge";
    const look = (text: string): void => {
      const [, found] = /127\.0\.0\.1:(\d+)/.exec(text) ?? [];
      if (found !== undefined) ready(found);
    };
    let shown: () => void;
    const isShown = new Promise<void>((resolve) => {
      shown = resolve;
    });
    const running = run(["listen", "--port", "0", "--no-store", ...flags], {
      env: { ...secrets, ...env, XDG_CONFIG_HOME: tempFolder() },
      cwd: world.folder,
      signal: interrupt.signal,
      onErr: look,
      onOut(text) {
        look(text);
        if (text.includes(last)) shown();
      },
    });
    for (const words of toListen) await run(["send", ...words, "--to", await port], { env: secrets });
    await isShown;
    interrupt.abort("SIGINT");
    await expectGolden(printed(await running), `listen.${name}`);
  });
});
