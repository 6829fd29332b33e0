import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../src/main.ts";
import type { Prompts } from "../../src/reports/prompts.ts";
import { type Runtime, startShell } from "../../src/runtime.ts";
import type { Sleep } from "../../src/util/timing.ts";
import { sleepRealTime } from "../../src/util/timing.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
  /** Waits by that clock; real time by default. */
  readonly sleep?: Sleep;
  /** Stderr is a terminal. */
  readonly errTTY?: boolean;
  /** Its width. */
  readonly errColumns?: number;
  /** Answers questions, as a person at a terminal would. */
  readonly prompts?: Prompts;
  /** How the user starts the tool; `zoho-hooks` by default. */
  readonly invocation?: string;
  readonly overrides?: Runtime["overrides"];
  /** Characters of stdout that its reader has not taken; none by default. */
  readonly backlog?: () => number;
  /** Sees stdout as it comes. */
  readonly onOut?: (text: string) => void;
  /** Sees stderr as it comes. */
  readonly onErr?: (text: string) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** Each line of stdout as JSON. */
  lines(): Record<string, unknown>[];
}

/** Runs a command line in process, by default in an empty folder and an empty environment. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  let out = "";
  let err = "";
  const home = options.cwd ?? tempFolder();
  const runtime: Runtime = {
    argv,
    env: options.env ?? {},
    cwd: home,
    home,
    platform: process.platform,
    pid: process.pid,
    invocation: options.invocation ?? "zoho-hooks",
    packageRoot: fileURLToPath(new URL("../..", import.meta.url)),
    stdin: {
      isTTY: false,
      read: async () => Buffer.from(options.stdin ?? ""),
      chunks: () => Readable.from([Buffer.from(options.stdin ?? "")]),
    },
    stdout: {
      write: (text) => {
        out += text;
        options.onOut?.(text);
      },
      backlog: options.backlog ?? (() => 0),
      taken: () => 0,
      isTTY: false,
      columns: undefined,
    },
    stderr: {
      write: (text) => {
        err += text;
        options.onErr?.(text);
      },
      backlog: () => 0,
      taken: () => 0,
      isTTY: options.errTTY ?? false,
      columns: options.errColumns,
    },
    prompts: async () => options.prompts,
    neverWaitForTerminal: () => {},
    importModule: (url) => import(url) as Promise<Record<string, unknown>>,
    async startChild(commandLine, { stdoutTo, ...rest }) {
      const { child, run } = startShell(commandLine, { ...rest, stdio: ["ignore", "pipe", "pipe"] }, process);
      child.stdout?.on("data", (bytes: Buffer) => runtime[stdoutTo].write(bytes.toString()));
      child.stderr?.on("data", (bytes: Buffer) => runtime.stderr.write(bytes.toString()));
      return run;
    },
    now: options.now ?? (() => new Date()),
    sleep: options.sleep ?? sleepRealTime,
    signal: options.signal ?? new AbortController().signal,
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
  };
  const exitCode = await runProgram(runtime, "0.0.0-test");
  return {
    exitCode,
    out,
    err,
    lines: () =>
      out
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), "zoho-hooks-test-"));
}
