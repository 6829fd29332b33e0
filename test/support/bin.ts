import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { checkJsonLines } from "./json-lines.ts";
import { TEST_ENV, tempFolder } from "./run.ts";

export const BIN = join(import.meta.dirname, "../../bin/zoho-hooks.js");

export interface BinOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  /** A command of the shell before the program, such as `ulimit -f 16`. */
  readonly limit?: string;
  /** The program's file; by default the built one of this project. */
  readonly bin?: string;
  /** Its lines are not checked: help is text with --json as well. */
  readonly unchecked?: boolean;
}

export interface BinResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BinChild {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves to the match once stdout has it. */
  shown(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for stderr. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the reading end, as `head` does. */
  stopReading(): void;
  readonly ended: Promise<BinResult & { readonly signal: NodeJS.Signals | null }>;
}

/** Shared by all runs of a test file, for the compile cache. */
const caches = tempFolder();

/** Without anything of the developer's: an empty home folder, no secrets, no proxy. */
export function cleanEnv(extra: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const home = tempFolder();
  const { PATH, SystemRoot, TMPDIR, TEMP } = process.env;
  return {
    ...{ PATH, SystemRoot, TMPDIR, TEMP },
    ...TEST_ENV,
    ...{ HOME: home, USERPROFILE: home, APPDATA: home, XDG_CACHE_HOME: caches, ZOHO_KEYRING: "off" },
    ...extra,
  };
}

/** Runs the built program to its end, with pipes. */
export async function runBin(argv: readonly string[], options: BinOptions = {}): Promise<BinResult> {
  const child = spawnBin(argv, options);
  const { ended } = follow(child, options.unchecked);
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.stdin ?? "");
  return ended;
}

/** Starts the built program; it is killed at the end of the test. */
export function startBin(argv: readonly string[], options: BinOptions = {}): BinChild {
  const child = spawnBin(argv, options);
  child.stdin?.end();
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return follow(child);
}

function spawnBin(argv: readonly string[], { env, cwd = tempFolder(), bin = BIN, limit }: BinOptions): ChildProcess {
  const command = [process.execPath, bin, ...argv];
  const [program = "", ...rest] =
    limit === undefined ? command : ["/bin/sh", "-c", `${limit}; exec "$0" "$@"`, ...command];
  return spawn(program, rest, { cwd, env: cleanEnv(env), stdio: "pipe" });
}

function follow(child: ChildProcess, unchecked = false): BinChild {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close");
  const ended = closed.then(([status, signal]) => {
    if (child.spawnargs.includes("--json") && !unchecked) checkJsonLines({ out: stdout, err: stderr });
    return { status, signal, stdout, stderr };
  });
  const until = async (stream: Readable | null, text: () => string, pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(text());
      if (match !== null) return match;
      const more = await Promise.race([
        stream === null ? closed : once(stream, "data").then(() => true),
        closed.then(() => false),
      ]);
      if (more === false && pattern.exec(text()) === null) {
        throw new Error(`it ended without ${pattern}:\n${stdout}${stderr}`);
      }
    }
  };
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    shown: (pattern) => until(child.stdout, () => stdout, pattern),
    said: (pattern) => until(child.stderr, () => stderr, pattern),
    kill: (signal) => void child.kill(signal),
    stopReading: () => void child.stdout?.destroy(),
    ended,
  };
}

export interface Screen {
  readonly text: string;
  shown(pattern: RegExp): Promise<RegExpExecArray>;
  type(keys: string): void;
  /** Closes the terminal like a window, and returns the id of the process in it. */
  close(): number;
  readonly ended: Promise<{ readonly status: number | null; readonly text: string }>;
}

/** Moves the cursor to the beginning of the line and erases it, as a spinner does, and the last line of `listen`. */
const ERASE_LINE = "\u001b[1G\u001b[0K";

/** What is left on the screen to read, with its colours. */
export function withoutErased(text: string): string {
  return text.replace(/[^\n]+/g, (line) => line.split(ERASE_LINE).at(-1) ?? "");
}

/** The built program at a terminal, which shows stdout and stderr together. */
export function atTerminal(
  argv: readonly string[],
  {
    env,
    cwd = tempFolder(),
    columns = 100,
    rows,
  }: BinOptions & { readonly columns?: number; readonly rows?: number } = {},
): Screen {
  const quoted = [process.execPath, BIN, ...argv].map((word) => `'${word}'`).join(" ");
  const child = spawn(
    "script",
    ["-qec", `stty cols ${columns}${rows === undefined ? "" : ` rows ${rows}`} -echoctl; exec ${quoted}`, "/dev/null"],
    {
      cwd,
      env: cleanEnv({ TERM: "xterm-256color", ...env }),
      stdio: "pipe",
    },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const followed = follow(child);
  return {
    get text() {
      return followed.stdout;
    },
    shown: followed.shown,
    type: (keys) => void child.stdin.write(keys),
    close() {
      const inside = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8"));
      child.kill("SIGKILL");
      return inside;
    },
    ended: followed.ended.then(({ status, stdout }) => ({
      status,
      text: withoutErased(stdout).replaceAll("\r\n", "\n"),
    })),
  };
}
