import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { BIN, cleanEnv, runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";
import { tempFolder } from "../support/run.ts";

const ROOT = join(import.meta.dirname, "../..");
const FIXTURE = join(ROOT, "fixtures/crm/guide/Leads.create.json");

describe("code that is kept compiled between runs", () => {
  let caches: string;
  beforeEach(() => {
    caches = join(tempFolder(), "cache");
  });
  const verify = (env: Readonly<Record<string, string>> = {}): string =>
    execFileSync(process.execPath, [BIN, "verify", FIXTURE], {
      encoding: "utf8",
      env: cleanEnv({ XDG_CACHE_HOME: caches, ...env }),
    });
  const folder = (): string => join(caches, "zoho-hooks/compiled", `${process.version}-${process.arch}`);
  const kept = (): string[] => readdirSync(folder()).map((name) => join(folder(), name));

  it("is written once, for the user alone, and read by the next run", () => {
    const first = verify();
    const written = kept().map((file) => ({ file, ...pick(file) }));
    expect(written.map(({ mode }) => mode)).toEqual(written.map(() => 0o600));
    expect(written.some(({ size }) => size > 100_000)).toBe(true);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);

    expect(verify()).toBe(first);
    expect(kept().map((file) => ({ file, ...pick(file) }))).toEqual(written);
  });

  it("is a command's own: what another one has called is not what it calls", () => {
    const run = (...argv: string[]) =>
      execFileSync(process.execPath, [BIN, ...argv], { env: cleanEnv({ XDG_CACHE_HOME: caches }) });
    run("products");
    verify();
    const sizeOf = (command: string): number => {
      const name = readdirSync(folder()).find((each) => each.startsWith(`${command}-cli.cjs-`));
      return name === undefined ? 0 : statSync(join(folder(), name)).size;
    };
    expect(sizeOf("products")).toBeGreaterThan(0);
    expect(sizeOf("verify")).toBeGreaterThan(sizeOf("products"));
    const before = kept().length;
    expect(() => run("verfy")).toThrow();
    expect(kept()).toHaveLength(before);
  });

  it("is compiled again when the file is damaged, and deleted when it is old", () => {
    const first = verify();
    const old = join(folder(), "verify-cli.cjs-1");
    writeFileSync(old, "");
    utimesSync(old, 0, 0);
    const [file = ""] = kept().filter((name) => name !== old);
    const whole = readFileSync(file);
    const withBit = (at: number): Buffer => {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes;
    };
    const bits = [100, whole.length >> 2, whole.length >> 1, whole.length - 1].map(withBit);
    for (const damaged of [Buffer.alloc(0), whole.subarray(0, 101), whole.subarray(2), ...bits]) {
      writeFileSync(file, damaged);
      expect(verify()).toBe(first);
      expect(readFileSync(file)).not.toEqual(damaged);
    }
    expect(existsSync(old)).toBe(false);
  });

  it("leaves nothing unfinished where it cannot be put in its place", () => {
    verify();
    const [file = ""] = kept();
    rmSync(file);
    mkdirSync(join(file, "in-the-way"), { recursive: true });
    verify();
    expect(kept()).toEqual([file]);
  });

  it("is of a command that there is", async () => {
    const text = readFileSync(join(ROOT, "bin/compile-cache.js"), "utf8");
    const names = /COMMANDS =\s+"([^"]*)"/.exec(text)?.[1]?.split(" ");
    expect(names).toEqual(commands.map(({ name }) => name));
  });

  it("is never that of another build, which may have files of the same name, size and time", () => {
    const copy = (summary: string): string => {
      const folder = copyOfPackage();
      const cli = join(folder, "dist/cli.cjs");
      writeFileSync(cli, readFileSync(cli, "latin1").replaceAll("check whether a payload", summary), "latin1");
      utimesSync(cli, 1000, 1000);
      return join(folder, "bin/zoho-hooks.js");
    };
    const help = (bin: string): string =>
      execFileSync(process.execPath, [bin, "--help"], {
        encoding: "utf8",
        env: cleanEnv({ XDG_CACHE_HOME: caches }),
      });
    const builds = ["check whether a payloaf", "check whether a payloag"];
    expect(builds.map((summary) => help(copy(summary)).includes(summary))).toEqual([true, true]);
  });

  it("is never that of a file which was written over since", () => {
    const folder = copyOfPackage();
    const cli = join(folder, "dist/cli.cjs");
    const bin = join(folder, "bin/zoho-hooks.js");
    const said = (): string =>
      execFileSync(process.execPath, [bin, "verify", FIXTURE], {
        encoding: "utf8",
        env: cleanEnv({ XDG_CACHE_HOME: caches }),
      });
    expect([said(), said()]).toEqual([expect.stringContaining("but none is"), expect.stringContaining("but none is")]);
    writeFileSync(cli, readFileSync(cli, "latin1").replaceAll("but none is", "but nobne s"), "latin1");
    utimesSync(cli, 1000, 1000);
    expect(said()).toContain("but nobne s");
  });

  it("serves listen too, which runs under flags of its own", async () => {
    const listen = async (): Promise<readonly unknown[]> => {
      const { status } = await runBin(["listen", "--port", "0", "--no-store", "--timeout", "10ms"], {
        env: { XDG_CACHE_HOME: caches },
      });
      expect(status).toBe(0);
      return kept().map((file) => ({ file, ...pick(file) }));
    };
    expect(await listen()).toEqual(await listen());
  });

  it("is kept nowhere where others can write, nor in a folder that the path does not name whole", () => {
    mkdirSync(caches, { recursive: true });
    chmodSync(caches, 0o777);
    const first = verify();
    expect(readdirSync(caches)).toEqual([]);

    const home = tempFolder();
    expect(verify({ XDG_CACHE_HOME: "relative", HOME: home })).toBe(first);
    expect(existsSync("relative")).toBe(false);
    expect(readdirSync(join(home, ".cache/zoho-hooks/compiled"))).toHaveLength(1);
  });

  it("is done without where nothing can be written, and where it is not wanted", () => {
    mkdirSync(caches, { recursive: true });
    const first = verify({ NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(readdirSync(caches)).toEqual([]);

    const file = join(caches, "file");
    writeFileSync(file, "");
    chmodSync(file, 0o400);
    expect(verify({ XDG_CACHE_HOME: file })).toBe(first);
  });
});

function pick(file: string): { mode: number; size: number; mtimeMs: number } {
  const { mode, size, mtimeMs } = statSync(file);
  return { mode: mode & 0o777, size, mtimeMs };
}
