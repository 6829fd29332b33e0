import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  expectGolden,
  type GoldenWorld,
  plainText,
  secrets,
  startGoldenWorld,
  title,
  toListen,
} from "../support/golden.ts";
import { type RunResult, run, tempFolder } from "../support/run.ts";

interface Mode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

const pipe: Mode = { name: "pipe", env: {}, flags: [] };
const quiet: Mode = { name: "quiet", env: {}, flags: ["--quiet"] };
const forced: Mode = { name: "forced colours", env: { FORCE_COLOR: "1" }, flags: [] };

/**
 * Together with those of test/e2e/golden.test.ts they show each difference that a user can see: colours, whole lines with
 * standard error apart, JSON. The other modes print the text of one of these, or a part of it.
 */
const modes: readonly Mode[] = [pipe, { name: "json", env: {}, flags: ["--json"] }];

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
        if (text.includes("challenge")) shown();
      },
    });
    for (const words of toListen) await run(["send", ...words, "--to", await port], { env: secrets });
    await isShown;
    interrupt.abort("SIGINT");
    await expectGolden(printed(await running), `listen.${name}`);
  });

  it("the same text with colours, where they are forced", async () => {
    for (const lines of [world.commands, world.sends]) {
      const coloured = await transcript(lines, forced);
      expect(coloured).toContain("\u001b[");
      expect(plainText(coloured)).toBe(plainText(await transcript(lines, pipe)));
    }
  });

  it("fewer of the same lines with --quiet", async () => {
    for (const lines of [world.commands, world.sends]) {
      const all = linesOf(await transcript(lines, pipe));
      const few = linesOf((await transcript(lines, quiet)).replaceAll(" --quiet\n", "\n"));
      expect(few.filter((line) => !all.includes(line))).toEqual([]);
      expect(few.length).toBeLessThan(all.length);
    }
  });
});

function linesOf(text: string): readonly string[] {
  return plainText(text).split("\n");
}
