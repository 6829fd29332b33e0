import { type ChildProcess, fork, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { constants, userInfo } from "node:os";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { ExitCode, errorText, usageError } from "../util/errors.ts";
import { shellQuoted } from "../util/text.ts";
import { onAbort, STDOUT_CLOSED, sleepRealTime } from "../util/timing.ts";
import { isAgent } from "./agents.ts";
import { openKeyboard } from "./keyboard.ts";
import { standardOutput } from "./output.ts";
import type { Channel, ChildRun, ProgramOptions, Runtime, SelfProcess, Surroundings } from "./runtime.ts";

const isPerson = !isAgent(process.env);
// In a thread the streams lead to its parent, and the descriptors past it.
const descriptor = (fd: number): number | undefined => (isMainThread ? fd : undefined);
const stdout = standardOutput(descriptor(1), () => process.stdout, outputLost, isPerson);
const stderr = standardOutput(descriptor(2), () => process.stderr, outputLost, isPerson);

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
      chunks: () => process.stdin,
    },
    stdout,
    stderr,
    async prompts() {
      // Questions go to stderr: stdout may be a file, and a question that nobody sees waits forever.
      if (process.stdin.isTTY !== true || !stderr.isTTY) return undefined;
      const { inquirerPrompts } = await import("./prompts.ts");
      return inquirerPrompts(process.stderr, this.signal);
    },
    now: () => new Date(),
    sleep: sleepRealTime,
    neverWaitForTerminal() {
      for (const output of [stdout, stderr]) makeNonBlocking(output.stream());
    },
    openKeyboard: (user) => openKeyboard(process, user),
    async startChild(commandLine, { stdoutTo, ...options }) {
      return startShell(commandLine, { ...options, stdio: ["ignore", stdoutTo === "stdout" ? 1 : 2, 2] }, process).run;
    },
    startProgram: (path, options) => startProgram(path, options, process),
    startSelf: (argv) => startSelf(process.argv[1] ?? "", argv),
    startThread: (argv) => startThread(join(packageRoot, "bin", "zoho-hooks.js"), argv),
    parent: process.send === undefined ? undefined : channelOf(process),
    threadParent: threadParent(),
    get signal() {
      interruption ??= listenForInterrupt();
      return interruption.signal;
    },
  };
}

/** Node 22 warns on every run that its SQLite is experimental. Users can do nothing about that. */
function withoutSqliteWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!/^SQLite is an experimental feature/.test(String(warning)))
      Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

/** How long output may take after Ctrl-C: its reader may stand still. */
const WRITE_GRACE_MS = 1000;

/**
 * Ends the process once its output is written. Does not wait for what a library leaves running: a pool's sockets, or a
 * native call that never returns because the network is gone.
 */
export async function endProcess(status: number): Promise<void> {
  process.exitCode = status;
  const interrupted = new Promise<void>((resolve) =>
    onAbort(interruption?.signal, () => setTimeout(resolve, WRITE_GRACE_MS)),
  );
  for (const output of [stdout, stderr]) await Promise.race([output.written(), interrupted]);
  process.exit();
}

/** Node exits with 0 when the event loop is empty, even if a promise is still awaited. */
export function reportUnfinished(): void {
  process.once("beforeExit", () => {
    stderr.write(
      "error: stopped without a result: nothing is left that could finish the command\n" +
        "  a custom schema may return a promise that never settles; if you have none, this is a bug in zoho-hooks\n",
    );
    void endProcess(ExitCode.bug);
  });
}

/**
 * A HOME that is empty or relative would make the working folder, which may be a stranger's clone, the user's own. A user
 * without a passwd entry and HOME has no home folder; writing there then fails with a message.
 */
function home(): string {
  const { HOME, USERPROFILE } = process.env;
  const named = process.platform === "win32" ? USERPROFILE : HOME;
  if (named !== undefined && isAbsolute(named)) return named;
  try {
    return userInfo().homedir;
  } catch {
    return "/";
  }
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw usageError(`the current folder no longer exists (${errorText(error)})`, "change into one that does");
  }
}

/** Under `npm start` there is no `zoho-hooks` on the PATH; the path of the script works in any terminal. */
function invocation(): string {
  const script = process.argv[1];
  if (process.env.npm_command === "exec") return "npx zoho-hooks";
  // Yarn's Plug'n'Play: the script lies in an archive.
  if ("pnp" in process.versions) return "yarn zoho-hooks";
  if (script !== undefined && (process.env.npm_lifecycle_event !== undefined || basename(script).endsWith(".js"))) {
    const path = relativePath(script);
    if (process.platform === "win32") return `node ${path.includes(" ") ? `"${path}"` : path}`;
    return `node ${shellQuoted(path)}`;
  }
  return "zoho-hooks";
}

function relativePath(path: string): string {
  try {
    return relative(process.cwd(), path) || path;
  } catch {
    // The current folder is gone; `workingFolder` reports it.
    return path;
  }
}

/**
 * Node writes to a terminal synchronously, so Ctrl-S would stop the whole program. Node has no public switch for it; if this
 * one disappears, writes block as before.
 */
function makeNonBlocking(
  stream: NodeJS.WriteStream & { _handle?: { setBlocking?(blocking: boolean): unknown } },
): void {
  if (stream.isTTY !== true) return;
  stream._handle?.setBlocking?.(false);
  if (madeNonBlocking.has(stream)) return;
  madeNonBlocking.add(stream);
  // The mode belongs to the terminal, and the shell uses it afterwards.
  process.once("exit", () => stream._handle?.setBlocking?.(true));
}

const madeNonBlocking = new Set<NodeJS.WriteStream>();

let interruption: AbortController | undefined;
let isOutputLost = false;

/**
 * The reader of the output is gone (`| head`), or the output cannot be written (a full disk). A run would go on silently, so
 * it is ended in order. Only the second is an error: it is reported on stderr and in the exit code.
 */
function outputLost(error: NodeJS.ErrnoException): void {
  const isReported = isOutputLost;
  isOutputLost = true;
  interruption?.abort(STDOUT_CLOSED);
  if (isReported || error.code === STDOUT_CLOSED || error.code === "ERR_STREAM_DESTROYED") return;
  // Lost as well if stderr is what cannot be written.
  stderr.write(`error: the output cannot be written: ${error.message}\n`);
  process.once("exit", (status) => {
    if (status === ExitCode.ok) process.exitCode = ExitCode.usage;
  });
}

/**
 * The first Ctrl-C, SIGTERM or closed terminal asks for an orderly end; a second one ends at once, with the
 * status that a shell gives to a process that the signal killed.
 */
function listenForInterrupt(): AbortController {
  const controller = new AbortController();
  // Opens the streams, which do not block on a pipe: a signal must not be missed while a write waits for its reader.
  for (const output of [stdout, stderr]) output.stream();
  if (isOutputLost) controller.abort(STDOUT_CLOSED);
  // A run adds a listener for each request under way.
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

const MAX_STDERR_LENGTH = 4000;
const END_TIMEOUT_MS = 3000;

function startSelf(script: string, argv: readonly string[]): SelfProcess {
  const child = fork(script, argv, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    text = (text + more).slice(-MAX_STDERR_LENGTH);
  });
  const { stderr: output } = child;
  // Not "close", which does not come where this side has closed the channel.
  const ended = Promise.all([once(child, "exit"), output && finished(output).catch(() => {})]).then(
    () => text,
    (error: unknown) => errorText(error),
  );
  const end = (): void => {
    if (child.connected) child.disconnect();
    setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS).unref();
  };
  return { ...channelOf(child), end, ended };
}

function startThread(script: string, argv: readonly string[]): SelfProcess {
  const thread = new Worker(script, { argv: [...argv], stdout: true, stderr: true });
  for (const output of [thread.stdout, thread.stderr]) output.on("data", (chunk) => process.stderr.write(chunk));
  let text = "";
  thread.once("error", (error) => {
    text = errorText(error);
  });
  const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  return {
    send: (message) => thread.postMessage(message),
    onMessage: (callback) => void thread.on("message", callback),
    closed: exited,
    end: () => void thread.terminate(),
    ended: exited.then(() => text),
  };
}

function threadParent(): Channel | undefined {
  const port = parentPort;
  if (port === null) return undefined;
  return {
    send: (message) => port.postMessage(message),
    onMessage: (callback) => void port.on("message", callback),
    closed: new Promise((resolve) => port.once("close", resolve)),
  };
}

function channelOf(other: Pick<ChildProcess, "send" | "on" | "once"> | NodeJS.Process): Channel {
  const host = other as ChildProcess;
  const closed = new Promise<void>((resolve) => host.once("disconnect", resolve));
  return {
    // It may have ended just now; `closed` tells.
    send: (message) => void host.send(message as object, () => {}),
    onMessage: (callback) => void host.on("message", callback),
    closed,
  };
}

/** The part of `process` that starting a child needs. */
export type ChildHost = Pick<NodeJS.Process, "platform" | "kill" | "once" | "off">;

/**
 * Starts a shell in a process group of its own, so that a signal reaches everything that it starts. Nothing of it outlives
 * this process, except what ignores the SIGTERM that follows the end of the shell.
 */
export function startShell(
  commandLine: string,
  options: Pick<SpawnOptions, "cwd" | "stdio"> & { readonly env: Runtime["env"] },
  host: ChildHost,
): { readonly child: ChildProcess; readonly run: ChildRun } {
  return startInGroup(commandLine, [], { ...options, shell: true }, host);
}

/** Starts a program as a shell is started, but one that should also end if this process is killed. */
export function startProgram(path: string, { args, env, onLine }: ProgramOptions, host: ChildHost): ChildRun {
  const options = { env, cwd: dirname(path), stdio: ["ignore", "ignore", "pipe"] } satisfies SpawnOptions;
  const { child, run } = startInGroup(path, args, options, host);
  if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", onLine);
  const letGo = host.platform === "win32" || child.pid === undefined ? () => {} : endWithParent(child.pid);
  return { ...run, ended: run.ended.finally(letGo) };
}

/** Waits in a shell for the end of this process, at which its pipe closes, and ends the group then. */
function endWithParent(pid: number): () => void {
  const script = 'read -r line; kill -s TERM -- "-$0" && sleep 3 && kill -s KILL -- "-$0"';
  const guard = spawn("/bin/sh", ["-c", script, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    env: { PATH: "/usr/bin:/bin" },
  });
  guard.on("error", () => {}).unref();
  guard.stdin.on("error", () => {});
  return () => guard.kill("SIGKILL");
}

function startInGroup(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  host: ChildHost,
): { readonly child: ChildProcess; readonly run: ChildRun } {
  const isWindows = host.platform === "win32";
  const child = spawn(command, args, { ...options, detached: !isWindows, windowsHide: true });
  const end = (force: boolean): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    // Windows looks for a program in the working folder first, where a clone may have its own.
    if (isWindows) spawnSync("taskkill", ["/pid", String(child.pid), "/t", "/f"], { cwd: dirname(process.execPath) });
    else signalGroup(host, child.pid, force ? "SIGKILL" : "SIGTERM");
  };
  const endAtOnce = (): void => end(true);
  host.once("exit", endAtOnce);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    host.off("exit", endAtOnce);
    // Background processes that the shell has left.
    if (child.pid !== undefined && !isWindows) signalGroup(host, child.pid, "SIGTERM");
  });
  return { child, run: { ended, end } };
}

function signalGroup(host: ChildHost, pid: number, signal: NodeJS.Signals): void {
  try {
    host.kill(-pid, signal);
  } catch {
    // It has just ended.
  }
}
