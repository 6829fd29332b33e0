import { type Command, Option } from "commander";
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

/**
 * Puts commands below the program: those that are wanted with all their flags and arguments, the others by name alone, so
 * that no module is loaded for nothing.
 */
export async function addCommands(
  program: Command,
  act: Act,
  entries: readonly CommandEntry[],
  wanted: (name: string) => boolean,
): Promise<void> {
  for (const entry of entries) {
    const command = program.command(entry.name).summary(entry.summary).description(capitalised(entry.summary));
    if (wanted(entry.name)) {
      const { define } = await entry.load();
      define(command, act);
    }
    addCommonOptions(command);
  }
}

/** Flags that every command has, those of a group's subcommands included. */
function addCommonOptions(command: Command): void {
  for (const child of command.commands) addCommonOptions(child);
  if (command.commands.length > 0) return;
  command
    .optionsGroup("Common options:")
    .helpOption("-h, --help", "show help")
    .addOption(new Option("--json", "print one JSON object a line on stdout").default(false))
    .option("-q, --quiet", "results and errors only")
    .option("-v, --verbose", "show more")
    .option("--no-color", "print without colour");
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
