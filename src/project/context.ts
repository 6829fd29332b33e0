import { isAbsolute, join } from "node:path";
import type { KnownSecrets } from "../delivery/secrets.ts";
import type { Message, Progress } from "../process/messages.ts";
import type { Runtime } from "../process/runtime.ts";
import type { openTunnel } from "../tunnel/open-tunnel.ts";
import type { Project } from "./project.ts";

/**
 * Where work reports to while it runs, and how it learns that it has to end. `Own`: what it reports beside messages. Whoever calls it
 * passes a sink that takes at least these: in the end the presenter, which takes all.
 */
export interface Sink<Own = never> {
  /** Prints a report, as text or as JSON lines. Not a method, whose parameter TypeScript would not check. */
  readonly report: (report: Message | Own) => void;
  /** Shows a spinner while the work runs, on a terminal and if it takes a moment. */
  waiting<T>(message: string, work: () => Promise<T>): Promise<T>;
  /** A progress bar. Nothing may be reported until it has ended. */
  progress(total: number): Progress;
  /** Read it where it is needed: in a command, that installs the handlers for Ctrl-C. */
  readonly signal: AbortSignal;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** A script reads each line by itself. */
  readonly json: boolean;
}

export interface Context<Own = never> extends Runtime, Sink<Own> {
  /** The user's own folder, for what belongs to no project. */
  readonly userFolder: string;
  /** Masked in all that is written and reported; what reads a secret adds it. */
  readonly knownSecrets: KnownSecrets;
  /** Set by tests only. */
  readonly overrides?: Overrides;
  /** The trusted project. Undefined for a command that needs no trust: it reads the project itself. */
  readonly project?: Project;
}

interface Overrides {
  /** Replaces every sender's limit for an answer. */
  readonly answerWithinMs?: number;
  /** Replaces the ngrok agent. */
  readonly openTunnel?: typeof openTunnel;
}

/** Copies a context with other values for these members. */
export function overrideContext<Own, T extends Partial<Context<Own>>>(
  context: Context<Own>,
  members: T,
): Context<Own> & T {
  // Not by assignment: `signal` is a getter.
  return Object.create(context, Object.getOwnPropertyDescriptors(members)) as Context<Own> & T;
}

/**
 * `$XDG_CONFIG_HOME/zoho-hooks`, `%APPDATA%\zoho-hooks` on Windows. Relative ones are ignored, as in
 * https://specifications.freedesktop.org/basedir-spec/latest/#variables
 */
export function userFolder({ env, home, platform }: Pick<Runtime, "env" | "home" | "platform">): string {
  const named = [env.XDG_CONFIG_HOME, platform === "win32" ? env.APPDATA : undefined];
  const base = named.find((each) => each !== undefined && isAbsolute(each)) ?? join(home, ".config");
  return join(base, "zoho-hooks");
}
