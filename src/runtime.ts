import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { setMaxListeners } from "node:events";
import { constants, homedir } from "node:os";
import { basename, relative } from "node:path";
import { type Output, standardOutput } from "./output.ts";
import type { Prompts } from "./reports/prompts.ts";
import type { openTunnel } from "./tunnel/open-tunnel.ts";
import { ExitCode, errorText, usageError } from "./util/errors.ts";
import { shellQuoted } from "./util/text.ts";
import { NO_READER, sleepRealTime } from "./util/timing.ts";

/** What a bundle cannot know: where its package lies, and how to import what it does not hold. Who starts it hands it in. */
export interface Surroundings {
  readonly packageRoot: string;
  readonly importModule: ImportModule;
}

const stdout = standardOutput(1, () => process.stdout, outputLost);
const stderr = standardOutput(2, () => process.stderr, outputLost);

/** The only place that touches the process. */
export function nodeRuntime({ packageRoot, importModule }: Surroundings): Runtime {
  withoutSqliteWarning();
  let calledAs: string | undefined;
  return {
    importModule,
    packageRoot,
    argv: process.argv.slice(2),
    env: process.env,
    get cwd() {
      return workingFolder();
    },
    get home() {
      return home();
    },
    platform: process.platform,
    pid: process.pid,
    get invocation() {
      calledAs ??= invocation();
      return calledAs;
    },
    stdin: {
      get isTTY() {
        return process.stdin.isTTY === true;
      },
      read: readStdin,
    },
    stdout,
    stderr,
    async prompts() {
      // Questions go to stderr: stdout may be a file, and a question that nobody sees waits for ever.
      if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
      const { inquirerPrompts } = await import("./reports/prompts.ts");
      return inquirerPrompts(process.stderr, this.signal);
    },
    now: () => new Date(),
    sleep: sleepRealTime,
    neverWaitForTerminal() {
      for (const output of [stdout, stderr]) neverWaitFor(output.stream());
    },
    async startChild(commandLine, { stdoutTo, ...options }) {
      return startShell(commandLine, { ...options, stdio: ["ignore", stdoutTo === "stdout" ? 1 : 2, 2] }, process).run;
    },
    get signal() {
      interruption ??= listenForInterrupt();
      return interruption.signal;
    },
  };
}

/** Node 22 says on every run that its SQLite is experimental: nothing that a user could do anything about. */
function withoutSqliteWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!/^SQLite is an experimental feature/.test(String(warning)))
      Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

/**
 * Ends the process once what was written is out. What a library leaves running (a pool's sockets, a native call that is
 * never answered because its network has died) is not waited for.
 */
export async function endProcess(status: number): Promise<void> {
  process.exitCode = status;
  for (const output of [stdout, stderr]) await output.written();
  process.exit();
}

/** Node ends with a 0 when nothing is left to do, whatever is still being waited for. */
export function reportUnfinished(): void {
  process.once("beforeExit", () => {
    stderr.write(
      "error: this came to nothing: what is being waited for will never come\n" +
        "  a schema of your own may have a promise that never settles; if you have none, this is a bug of zoho-hooks\n",
    );
    void endProcess(ExitCode.bug);
  });
}

/** A user without an entry and a HOME has none; what is to be written there then says that it cannot be. */
function home(): string {
  try {
    // What `homedir` itself goes by, where there are no other rules.
    return (process.platform !== "win32" && process.env.HOME) || homedir();
  } catch {
    return "/";
  }
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw usageError(
      `the folder that this was called in is gone (${errorText(error)})`,
      "change into one that is there",
    );
  }
}

/** Run by `npm start` there is no `zoho-hooks` on the path; the file that runs is what works in any terminal. */
function invocation(): string {
  const script = process.argv[1];
  if (process.env.npm_command === "exec") return "npx zoho-hooks";
  if (script !== undefined && (process.env.npm_lifecycle_event !== undefined || basename(script).endsWith(".js"))) {
    const path = fromHere(script);
    if (process.platform === "win32") return `node ${path.includes(" ") ? `"${path}"` : path}`;
    return `node ${shellQuoted(path)}`;
  }
  return "zoho-hooks";
}

function fromHere(path: string): string {
  try {
    return relative(process.cwd(), path) || path;
  } catch {
    // The folder is gone, which is said where it matters.
    return path;
  }
}

/**
 * Node writes to a terminal in one go, however long that takes: stopped by Ctrl-S it would stop the whole program. Node has
 * no public way to ask for anything else; where this one is gone, it is as it was.
 */
function neverWaitFor(stream: NodeJS.WriteStream & { _handle?: { setBlocking?(blocking: boolean): unknown } }): void {
  if (stream.isTTY !== true) return;
  stream._handle?.setBlocking?.(false);
  // The mode may be the terminal's own, which the shell goes on with.
  process.once("exit", () => stream._handle?.setBlocking?.(true));
}

let interruption: AbortController | undefined;
let isOutputLost = false;

/**
 * Nobody reads what is written any more (`| head`), or it cannot be written (a full disk): a run that goes on would be
 * mute, so it ends in order. The first is no error of ours; the second is said on stderr, and the status tells it.
 */
function outputLost(error: NodeJS.ErrnoException): void {
  const isSaid = isOutputLost;
  isOutputLost = true;
  interruption?.abort(NO_READER);
  if (isSaid || error.code === NO_READER || error.code === "ERR_STREAM_DESTROYED") return;
  // Where it is stderr that cannot be written, this is lost as well.
  stderr.write(`error: the output cannot be written: ${error.message}\n`);
  process.once("exit", (status) => {
    if (status === 0) process.exitCode = 1;
  });
}

/**
 * The first Ctrl-C, SIGTERM or closed terminal asks for an orderly end; a second one ends at once, with the
 * status that a shell gives to a process that the signal killed.
 */
function listenForInterrupt(): AbortController {
  const controller = new AbortController();
  // From here on a signal is a word to this process: it must not miss it while it waits for a reader.
  for (const output of [stdout, stderr]) output.stream();
  if (isOutputLost) controller.abort(NO_READER);
  // A run with many requests under way listens as often.
  setMaxListeners(0, controller.signal);
  const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [name, status] of Object.entries(statuses)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(status);
      controller.abort(name);
    });
  }
  return controller;
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The part of the process that starts a shell. */
export type ShellHost = Pick<NodeJS.Process, "platform" | "kill" | "once" | "off">;

/**
 * Starts a shell, and with it what it starts, as one group of processes: a signal to the shell alone would leave the rest
 * running. None of it outlives this process but what heeds no SIGTERM once its shell has ended.
 */
export function startShell(
  commandLine: string,
  options: Pick<SpawnOptions, "cwd" | "stdio"> & { readonly env: Runtime["env"] },
  host: ShellHost,
): { readonly child: ChildProcess; readonly run: ChildRun } {
  const isWindows = host.platform === "win32";
  const child = spawn(commandLine, { ...options, shell: true, detached: !isWindows, windowsHide: true });
  const end = (force: boolean): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if (isWindows) spawnSync("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
    else signalGroup(host, child.pid, force ? "SIGKILL" : "SIGTERM");
  };
  const endAtOnce = (): void => end(true);
  host.once("exit", endAtOnce);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    host.off("exit", endAtOnce);
    // What the shell has left running in the background.
    if (child.pid !== undefined && !isWindows) signalGroup(host, child.pid, "SIGTERM");
  });
  return { child, run: { ended, end } };
}

function signalGroup(host: ShellHost, pid: number, signal: NodeJS.Signals): void {
  try {
    host.kill(-pid, signal);
  } catch {
    // It has ended in this very moment.
  }
}

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where its stdout goes; its stderr is ours. */
  readonly stdoutTo: "stdout" | "stderr";
}

export interface ChildRun {
  /** Its exit code, or 128 and the number of the signal that ended it. Rejects when there is no shell to run it. */
  readonly ended: Promise<number>;
  /** Ends it with all that it has started: asks for it, or with `force` at once. */
  end(force: boolean): void;
}

/** Resolves to what the module at a `file:` URL exports. */
export type ImportModule = (url: string) => Promise<Readonly<Record<string, unknown>>>;

/** What the world offers to a run of the tool. One file makes it from `process`; tests make their own. */
export interface Runtime {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The user's home folder. */
  readonly home: string;
  readonly platform: string;
  readonly pid: number;
  /** How the user starts this tool, for commands that are suggested: `zoho-hooks`, `npx zoho-hooks`. */
  readonly invocation: string;
  /** The folder of this package, that the built-in fixtures lie in. */
  readonly packageRoot: string;
  readonly stdin: { readonly isTTY: boolean; read(): Promise<Buffer> };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Loaded when first asked for; undefined without a terminal. */
  prompts(): Promise<Prompts | undefined>;
  now(): Date;
  /** Waits by the clock that `now` reads; resolves early, without an error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** For a command that runs all day: a terminal that is stopped (Ctrl-S) does not stop it. */
  neverWaitForTerminal(): void;
  /** Runs a command line in the system's shell, without input; what it prints is printed. */
  startChild(commandLine: string, options: ChildOptions): Promise<ChildRun>;
  /** Loads a module as Node itself does: one of the user's, or a package that `require` may not have. */
  importModule: ImportModule;
  /**
   * Aborts on the first Ctrl-C or SIGTERM, with its name; a second one ends the process at once. Or with `EPIPE`, where
   * nobody reads the output any more.
   */
  readonly signal: AbortSignal;
  /** For tests; a user's run has none. */
  readonly overrides?: Overrides;
}

export interface Overrides {
  /** How long every sender waits for an answer, in place of its own limit. */
  readonly answerWithinMs?: number;
  /** Opens the tunnel in place of ngrok's agent. */
  readonly openTunnel?: typeof openTunnel;
}
