import { EventEmitter } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../src/cli.ts";
import { startProgram, startShell } from "../../src/process/node-runtime.ts";
import type { Prompts } from "../../src/process/prompts.ts";
import type { Channel, Runtime } from "../../src/process/runtime.ts";
import type { Context } from "../../src/project/context.ts";
import type { Sleep } from "../../src/util/timing.ts";
import { sleepRealTime } from "../../src/util/timing.ts";
import { checkJsonLines } from "./json-lines.ts";

/**
 * What every run of the CLI in a test has, also in a process of its own: the folders are trusted, and the machine's own CI
 * variable decides nothing. `undefined` in the environment of a run leaves one of them out.
 */
export const TEST_ENV = { CI: "", ZOHO_HOOKS_TRUST: "1" };

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
  /** Waits by that clock; real time by default. */
  readonly sleep?: Sleep;
  /** Stdout is a terminal. */
  readonly outTTY?: boolean;
  /** Its width. */
  readonly outColumns?: number;
  /** Stderr is a terminal. */
  readonly errTTY?: boolean;
  /** Its width. */
  readonly errColumns?: number;
  /** Answers questions, as a person at a terminal would. */
  readonly prompts?: Prompts;
  /** How the user starts the tool; `zoho-hooks` by default. */
  readonly invocation?: string;
  readonly overrides?: Context["overrides"];
  /** Characters of stdout that its reader has not taken; none by default. */
  readonly backlog?: () => number;
  /** Sees stdout as it comes. */
  readonly onOut?: (text: string) => void;
  /** The run that has started this one. */
  readonly parent?: Channel;
  /** Its lines are not checked: help is text with --json as well, and a log that a stranger has written may have any values. */
  readonly unchecked?: boolean;
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

/** Runs a command line in process, by default in an empty folder, which is its home, and with nothing but TEST_ENV set. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  let out = "";
  let err = "";
  const home = options.cwd ?? tempFolder();
  const runtime: Runtime = {
    parent: options.parent,
    threadParent: undefined,
    startSelf(argv) {
      const [own, others] = channelPair();
      const ended = run(argv, { ...options, parent: others.channel, signal: new AbortController().signal });
      void ended.then(own.close);
      runtime.signal.addEventListener("abort", others.close);
      return { ...own.channel, end: others.close, ended: ended.then(({ err }) => err) };
    },
    startThread: (argv) => runtime.startSelf(argv),
    argv,
    env: { ...TEST_ENV, ...options.env },
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
      isTTY: options.outTTY ?? false,
      columns: options.outColumns,
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
    openKeyboard() {
      throw new Error("stdin is no terminal");
    },
    importModule: (url) => import(url) as Promise<Record<string, unknown>>,
    async startChild(commandLine, { stdoutTo, ...rest }) {
      const { child, run } = startShell(commandLine, { ...rest, stdio: ["ignore", "pipe", "pipe"] }, process);
      child.stdout?.on("data", (bytes: Buffer) => runtime[stdoutTo].write(bytes.toString()));
      child.stderr?.on("data", (bytes: Buffer) => runtime.stderr.write(bytes.toString()));
      return run;
    },
    startProgram: (path, more) => startProgram(path, more, process),
    now: options.now ?? (() => new Date()),
    sleep: options.sleep ?? sleepRealTime,
    signal: options.signal ?? new AbortController().signal,
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
  };
  const exitCode = await runProgram(runtime, "0.0.0-test");
  if (argv.includes("--json") && options.unchecked !== true) checkJsonLines({ out, err });
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

/** Two ends of a channel; `close` of an end says that the process behind the other one has ended. */
function channelPair() {
  const [first, second] = [new EventEmitter(), new EventEmitter()];
  const end = (own: EventEmitter, other: EventEmitter) => ({
    channel: {
      // As between processes, only what JSON holds arrives.
      send: (message) => void setImmediate(() => other.emit("message", JSON.parse(JSON.stringify(message)))),
      onMessage: (callback) => void own.on("message", callback),
      closed: new Promise<void>((resolve) => void own.once("close", resolve)),
    } satisfies Channel,
    close: () => void own.emit("close"),
  });
  return [end(first, second), end(second, first)] as const;
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), "zoho-hooks-test-"));
}
