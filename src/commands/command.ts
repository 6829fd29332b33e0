import type { Command } from "commander";
import type { Action } from "../context.ts";

/**
 * Wraps a command's work so that it gets its Context and its exit code reaches the shell.
 * The work is given the command's arguments and then its options.
 */
export type Act = <Args extends unknown[]>(action: Action<Args>) => (...args: Args) => Promise<void>;

/** A command's flags and arguments, and the work they lead to. */
export type Define = (command: Command, act: Act) => void;

/** One verb. Its module is loaded when it is called or when its own help is asked for. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ readonly define: Define }>;
}
