import type { Keyboard, KeyboardUser } from "./keyboard.ts";
import type { Output } from "./output.ts";
import type { Prompts } from "./prompts.ts";

/** The start file passes this, since a bundle knows neither where its package is nor how to import modules outside of it. */
export interface Surroundings {
  readonly packageRoot: string;
  readonly importModule: ImportModule;
}

/** Messages between this process and one that it has started, or that has started it: not readable by others, as flags are. */
export interface Channel {
  send(message: unknown): void;
  onMessage(callback: (message: unknown) => void): void;
  /** Resolves when the other process has ended, however it did. */
  readonly closed: Promise<void>;
}

/** This program in another process or thread. */
export interface SelfProcess extends Channel {
  /** Asks a process to end, and kills it if it does not; stops a thread at once, whatever it does. */
  end(): void;
  /** Resolves to the end of what a process has written to stderr, or to the error that ended a thread. */
  readonly ended: Promise<string>;
}

interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stream that its stdout goes to. Its stderr goes to ours. */
  readonly stdoutTo: "stdout" | "stderr";
}

/** A program that was started. */
export interface ChildRun {
  /** Its exit code, or 128 plus the number of the signal that ended it. Rejects if it could not be started. */
  readonly ended: Promise<number>;
  /** Asks it and everything that it has started to end: SIGTERM, or SIGKILL with `force`. */
  end(force: boolean): void;
}

export interface ProgramOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called for each line of its stderr. Its stdout is ignored. */
  onLine(line: string): void;
}

/** Resolves to what the module at a `file:` URL exports. */
export type ImportModule = (url: string) => Promise<Readonly<Record<string, unknown>>>;

/** The outside world of a run. Here it is made from `process`; tests make their own. */
export interface Runtime {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The user's home folder. */
  readonly home: string;
  readonly platform: string;
  readonly pid: number;
  /** How the user starts this tool, for suggested commands: `zoho-hooks`, `npx zoho-hooks`. */
  readonly invocation: string;
  /** The folder of this package, which has the built-in fixtures. */
  readonly packageRoot: string;
  readonly stdin: { readonly isTTY: boolean; read(): Promise<Buffer>; chunks(): AsyncIterable<Buffer> };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Loaded on first use; undefined without a terminal. */
  prompts(): Promise<Prompts | undefined>;
  now(): Date;
  /** Waits by the clock that `now` reads; resolves early, without an error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** For long runs: a terminal that is stopped with Ctrl-S must not stop the program. A child changes it back. */
  neverWaitForTerminal(): void;
  /** Single keys, once it is taken. Only where stdin and stdout are terminals. */
  openKeyboard(user: KeyboardUser): Keyboard;
  /** Runs a command line in the system's shell, without input. */
  startChild(commandLine: string, options: ChildOptions): Promise<ChildRun>;
  /** Runs a program without a shell and without input. It ends with this process, also if that is killed (not on Windows). */
  startProgram(path: string, options: ProgramOptions): ChildRun;
  /** Starts this program once more, with other arguments. It ends with this process. */
  startSelf(argv: readonly string[]): SelfProcess;
  /**
   * Starts this program once more in a thread of this process, which ends with it. What it prints goes to our stderr, and an
   * error that nothing catches ends the thread alone.
   */
  startThread(argv: readonly string[]): SelfProcess;
  /** The process that has started this one with `startSelf`, if one has. */
  readonly parent: Channel | undefined;
  /** The thread that has started this one with `startThread`, if one has. */
  readonly threadParent: Channel | undefined;
  /** Node's `import()`, for modules of the user and packages that cannot be required. */
  importModule: ImportModule;
  /**
   * Aborts on the first Ctrl-C or SIGTERM, with the signal's name as reason; a second one ends the process at once. Aborts
   * with `EPIPE` if the reader of the output is gone.
   */
  readonly signal: AbortSignal;
}
