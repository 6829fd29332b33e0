import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync, symlinkSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { atTerminal, BIN, cleanEnv, runBin, startBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/**/*.json");

/** Runs the built program with its stdout in a file. */
function runInto(path: string, argv: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const file = openSync(path, "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, [BIN, ...argv], {
      env: cleanEnv(),
      encoding: "utf8",
      stdio: ["ignore", file, "pipe"],
    });
    return { status, stderr };
  } finally {
    closeSync(file);
  }
}

const onPosix = it.skipIf(lacks("posix"));

describe("a terminal", () => {
  it.skipIf(lacks("script of util-linux"))("that does not know its size breaks no line", async () => {
    const { text } = await atTerminal(["listen", "--port", "0", "--timeout", "10ms", "-v"], { columns: 0 }).ended;
    expect(text).toMatch(/No key is set\. To verify signatures and tokens, set ZOHO_WEBHOOK_SECRET and/);
  });
});

describe("help <topic> at a terminal", () => {
  it.skipIf(lacks("script of util-linux"))(
    "lays the page out for its width, without marks for links and code blocks",
    async () => {
      const { status, text } = await atTerminal(["help", "own-products"], { columns: 60 }).ended;
      expect(status).toBe(0);
      expect(text).not.toMatch(/\]\(|^```|^\| ---/m);
      // Code is indented, and never broken.
      const prose = text.split(/\r?\n/).filter((line) => !line.startsWith("    ") || line.startsWith("    - "));
      expect(Math.max(...prose.map(({ length }) => length))).toBeLessThanOrEqual(60);
      expect(text).toMatch(/^ {2}- A number of more than 15 digits/m);
    },
  );
});

describe("a run that goes on", () => {
  it.skipIf(lacks("script of util-linux")).each([
    [["listen", "--port", "0"], /Listening/],
    [["events", "list", "--follow"], /^\s*$/],
  ])("ends when its terminal is closed: %j", async (argv, sign) => {
    const cwd = tempFolder();
    await runBin(["listen", "--port", "0", "--timeout", "10ms"], { cwd });
    const terminal = atTerminal(argv, { cwd });
    await terminal.shown(sign);
    // What says nothing at its start has to be given time for it.
    await delay(1000);
    const pid = terminal.close();
    onTestFinished(() => void (isRunning(pid) && process.kill(pid, "SIGKILL")));
    await expect.poll(() => isRunning(pid), { timeout: 8000 }).toBe(false);
  });

  onPosix("ends by a signal while nobody reads a pipe that is full", async () => {
    const cwd = tempFolder();
    const listener = startBin(["listen", "--port", "0"], { cwd });
    const [, url = ""] = await listener.said(/Listening on (http:\/\/[^/\s]+)/);
    await fetch(`${url}/webhooks/zoho/crm`, { method: "POST", body: "{}" });
    listener.kill("SIGINT");
    await listener.ended;
    execFileSync("mkfifo", [join(cwd, "pipe")]);
    const pipe = openSync(join(cwd, "pipe"), constants.O_RDWR | constants.O_NONBLOCK);
    try {
      for (;;) writeSync(pipe, Buffer.alloc(4096));
    } catch {
      // It is full.
    }
    const blocking = openSync(join(cwd, "pipe"), constants.O_RDWR);
    const child = spawn(process.execPath, [BIN, "events", "list", "--follow", "-v"], {
      cwd,
      env: cleanEnv(),
      stdio: ["ignore", blocking, "ignore"],
    });
    const ended = once(child, "exit");
    // By Node itself a signal would end it at once, which is no end in order.
    if (process.platform === "linux")
      await expect.poll(() => isHeeded(child.pid, "SIGTERM"), { timeout: 15_000 }).toBe(true);
    else await delay(3000);
    child.kill("SIGTERM");
    await delay(500);
    child.kill("SIGTERM");
    expect(await Promise.race([ended, delay(5000, "still there")])).not.toBe("still there");
    child.kill("SIGKILL");
    closeSync(pipe);
    closeSync(blocking);
  });
});

/** Whether a process has a handler for a signal: a bit for each in the mask of proc(5). */
function isHeeded(pid: number | undefined, signal: NodeJS.Signals): boolean {
  const [, mask = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(os.signals[signal] - 1)) & 1n) === 1n;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a command that is suggested", () => {
  // As npx has it for what it runs.
  const env = { npm_command: "exec" };

  it.each([
    [["send", "crm"], "; npx zoho-hooks products crm lists them"],
    [["send", "crm", "--json"], "; npx zoho-hooks products crm lists them"],
    [["fixtures", "show"], "run npx zoho-hooks fixtures show --help"],
    [["whoami"], "sign in with npx zoho-hooks login"],
    [["send", "cliq", "--all", "--dry-run"], "; npx zoho-hooks keygen makes one"],
  ])("can be copied where the tool is not on the path: %j", async (argv, command) => {
    const { stderr } = await runBin(argv, { env });
    expect(stderr).toContain(command);
    expect(stderr).not.toMatch(/npx npx|(?<!npx )zoho-hooks [a-z]/);
  });
});

describe("output", () => {
  it.skipIf(lacks("posix"))("names commands that a shell takes, whatever the path of the program", async () => {
    const cwd = tempFolder();
    symlinkSync(join(BIN, "../.."), join(cwd, "it's my zoho-hooks tool"));
    const bin = join(cwd, "it's my zoho-hooks tool/bin/zoho-hooks.js");
    const { stdout, stderr } = await runBin(["products"], { cwd, bin });
    const [, command = ""] = /^(.+) products <product> lists/m.exec(stdout + stderr) ?? [];
    expect(command).toContain("my zoho-hooks tool");
    expect(execFileSync("sh", ["-c", `${command} --version`], { cwd, encoding: "utf8" })).toMatch(/^\d+\.\d+/);
    const env = { ZOHO_HOOKS_PORT: String(await freePort()) };
    const { stdout: failure } = await runBin(["send", "crm", "Leads.create"], { cwd, bin, env });
    expect(failure).toContain(`start ${command} listen, or send`);
  });

  it("is whole and the same in a pipe as in a file, far beyond what a pipe holds", async () => {
    const path = join(tempFolder(), "out");
    const { status } = runInto(path, ["verify", FIXTURES, "--json"]);
    // Messages name the program relative to the folder that it runs in.
    const piped = await runBin(["verify", FIXTURES, "--json"], { cwd: process.cwd() });
    expect(piped.stdout.length).toBeGreaterThan(400_000);
    expect(piped.stdout).toBe(readFileSync(path, "utf8"));
    expect(piped.status).toBe(status);
  });

  it.skipIf(lacks("linux")).each([["--version"], ["products"]])(
    "that cannot be written is an error: %s, on a full disk",
    (...argv) => {
      const { status, stderr } = runInto("/dev/full", argv);
      expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: the output cannot be written: ENOSPC/)]);
    },
  );

  it.skipIf(lacks("linux"))("ends the process even when the error cannot be written", () => {
    const full = openSync("/dev/full", "w");
    const run = (...stdio: readonly ("ignore" | number)[]) =>
      spawnSync(process.execPath, [BIN, "no-such-command"], {
        env: cleanEnv(),
        stdio: ["ignore", ...stdio],
        timeout: 10_000,
      }).status;
    expect([run("ignore", full), run(full, full)]).toEqual([2, 2]);
    closeSync(full);
  });
});
