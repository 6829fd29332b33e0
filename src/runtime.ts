import { setMaxListeners } from "node:events";
import { homedir } from "node:os";
import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImportModule, Output, Runtime } from "./context.ts";

/** The only place that touches the process. A bundle cannot import what it does not hold: who starts it hands that in. */
export function nodeRuntime(importModule: ImportModule): Runtime {
  return {
    importModule,
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    home: home(),
    platform: process.platform,
    pid: process.pid,
    invocation: invocation(),
    // Both src/ and dist/ lie just below it.
    packageRoot: fileURLToPath(new URL("..", import.meta.url)),
    stdin: {
      get isTTY() {
        return process.stdin.isTTY === true;
      },
      read: readStdin,
    },
    stdout: output(() => process.stdout),
    stderr: output(() => process.stderr),
    async prompts() {
      // Questions go to stderr: stdout may be a file, and a question that nobody sees waits for ever.
      if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
      const { inquirerPrompts } = await import("./ui/prompts.ts");
      return inquirerPrompts(importModule, process.stderr, this.signal);
    },
    now: () => new Date(),
    sleep: async (ms, signal) => (await import("./zoho/backoff.ts")).sleepRealTime(ms, signal),
    async sparesMemory() {
      const { spareMemory } = await import("./spare-memory.ts");
      spareMemory((work) => process.prependOnceListener("exit", work));
      for (const stream of [process.stdout, process.stderr]) neverWaitFor(stream);
    },
    async startChild(commandLine, { stdoutTo, ...options }) {
      const { startShell } = await import("./shell.ts");
      return startShell(commandLine, { ...options, stdio: ["ignore", stdoutTo === "stdout" ? 1 : 2, 2] }, process).run;
    },
    get signal() {
      interrupted ??= listenForInterrupt();
      return interrupted;
    },
  };
}

/** A user without an entry and a HOME has none; what is to be written there then says that it cannot be. */
function home(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** Run by `npm start` there is no `zoho-hooks` on the path; the file that runs is what works in any terminal. */
function invocation(): string {
  const script = process.argv[1];
  if (process.env.npm_command === "exec") return "npx zoho-hooks";
  if (script !== undefined && (process.env.npm_lifecycle_event !== undefined || basename(script).endsWith(".js"))) {
    return `node ${relative(process.cwd(), script) || script}`;
  }
  return "zoho-hooks";
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

let interrupted: AbortSignal | undefined;
const controller = new AbortController();
let isOutputLost = false;

/**
 * Nobody reads what is written any more (`| head`), or it cannot be written (a full disk): a run that goes on would be
 * mute, so it ends in order. The first is no error of ours; the second is said on stderr, and the status tells it.
 */
function outputLost(error: NodeJS.ErrnoException): void {
  isOutputLost = true;
  controller.abort();
  if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") return;
  process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
  process.once("exit", (status) => {
    if (status === 0) process.exitCode = 1;
  });
}

/**
 * The first Ctrl-C, SIGTERM or closed terminal asks for an orderly end; a second one ends at once, with the
 * status that a shell gives to a process that the signal killed.
 */
function listenForInterrupt(): AbortSignal {
  if (isOutputLost) controller.abort();
  // A run with many requests under way listens as often.
  setMaxListeners(0, controller.signal);
  const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [name, status] of Object.entries(statuses)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(status);
      controller.abort(name);
    });
  }
  return controller.signal;
}

/** Node opens a standard stream when it is first named, which takes a part of the start; many runs need only one. */
function output(stream: () => NodeJS.WriteStream): Output {
  let guarded = false;
  let open = true;
  let pending = "";
  const guard = (): void => {
    guarded = true;
    // A reader that has gone away (`| head`) is no error of ours: stop writing, end quietly.
    stream().on("error", (error: NodeJS.ErrnoException) => {
      open = false;
      outputLost(error);
    });
  };
  const flush = (): void => {
    const text = pending;
    pending = "";
    if (open) stream().write(text);
  };
  return {
    write: (text) => {
      if (!guarded) guard();
      // On a terminal each line is seen as it comes, and prompts stand in its place; elsewhere a turn's lines go out as one.
      if (stream().isTTY === true) {
        if (open) stream().write(text);
        return;
      }
      if (pending === "") setImmediate(flush);
      pending += text;
    },
    backlog: () => pending.length + stream().writableLength,
    get isTTY() {
      return stream().isTTY === true;
    },
    get columns() {
      return stream().isTTY === true ? stream().columns : undefined;
    },
  };
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
