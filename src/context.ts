import type { ExitCode } from "./core/errors.ts";
import type { Report } from "./core/report.ts";
import type { openTunnel } from "./tunnel/open-tunnel.ts";

export interface Output {
  write(text: string): void;
  /** Characters that were written and that its reader has not taken yet: they are held in memory. */
  backlog(): number;
  /** Characters that its reader has taken so far. */
  taken(): number;
  readonly isTTY: boolean;
  /** Width in columns; undefined where there is no terminal. */
  readonly columns: number | undefined;
}

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
  /** For a command that runs all day: it is to take little memory, before it is fast, and never to wait for a terminal. */
  sparesMemory(): Promise<void>;
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

interface Overrides {
  /** How long every sender waits for an answer, in place of its own limit. */
  readonly answerWithinMs?: number;
  /** Opens the tunnel in place of ngrok's agent. */
  readonly openTunnel?: typeof openTunnel;
}

/** Resolves to what the module at a `file:` URL exports. */
export type ImportModule = (url: string) => Promise<Readonly<Record<string, unknown>>>;

interface ChildOptions {
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

/** Questions to a person. Undefined where no terminal is there to answer: then a flag is the only way. */
export interface Prompts {
  text(question: { message: string; initial?: string; validate?: (value: string) => true | string }): Promise<string>;
  secret(question: { message: string }): Promise<string>;
  confirm(question: { message: string; initial?: boolean }): Promise<boolean>;
  choose(question: { message: string; choices: readonly Choice[]; initial?: string }): Promise<string>;
  chooseMany(question: {
    message: string;
    choices: readonly Choice[];
    initial?: readonly string[];
  }): Promise<readonly string[]>;
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** How far a long work has come, shown on a terminal only. */
export interface Progress {
  advance(done: number, failed: number): void;
  /** Takes the bar away; what came of the work is a report's to say. */
  end(): void;
}

export interface Context extends Runtime {
  /** Says something to the user; how it looks is decided by the mode. */
  report(report: Report): void;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** Runs work behind a spinner, shown on a terminal only and only when it takes over a moment. */
  waiting<T>(message: string, work: () => Promise<T>): Promise<T>;
  /** A progress bar for a known number of things. Nothing may be reported before it has ended. */
  progress(total: number): Progress;
}

/** A command's work: resolves to the exit code, one of ours or that of a program that it ran. */
export type Action<Args extends unknown[]> = (context: Context, ...args: Args) => Promise<ExitCode | number>;
