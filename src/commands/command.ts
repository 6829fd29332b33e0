import { type Command, Option } from "commander";
import type { Context } from "../project/context.ts";
import type { Report } from "../reports/text.ts";
import { COMMON_OPTIONS, helpAllOption, type ToolCommand, topicOf } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";

/** The terminal, which shows all reports. */
export type CommandContext = Context<Report>;

/** A command's work. Resolves to the exit code, ours or that of a program that it ran. */
type Action<Args extends unknown[]> = (context: CommandContext, ...args: Args) => Promise<ExitCode | number>;

/**
 * Turns an action into Commander's: the action gets the Context, then the command's arguments, then its options, and its
 * exit code reaches the shell.
 */
export type Act = <Args extends unknown[]>(action: Action<Args>) => (...args: Args) => Promise<void>;

/** Adds a command's flags, arguments and action. */
export type Define = (command: Command, act: Act) => void;

export interface CommandModule {
  readonly define: Define;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Heading above it in the list of commands. `--help` shows the first group, `--help-all` every one. */
  readonly group: string;
  /** Its pages in docs/, without `.md`. */
  readonly pages: readonly string[];
  /** Whether the user must trust the project's files first. */
  readonly needsTrust: boolean;
  load(): Promise<CommandModule>;
}

/** Adds all commands, but loads only the wanted ones: the others have a name and a summary. */
export async function addCommands(
  program: ToolCommand,
  act: Act,
  entries: readonly CommandEntry[],
  wanted: (name: string) => boolean,
): Promise<void> {
  for (const entry of entries) {
    const command = program.command(entry.name).summary(entry.summary).description(capitalised(entry.summary));
    command.helpGroup(entry.group);
    command.topics = entry.pages.map(topicOf);
    if (wanted(entry.name)) {
      const { define } = await entry.load();
      define(command, act);
    }
    addCommonOptions(command);
  }
}

/** The flags of every command and subcommand. */
function addCommonOptions(command: Command): void {
  for (const child of command.commands) addCommonOptions(child);
  command.optionsGroup(COMMON_OPTIONS).helpOption("-h, --help", "show help").addOption(helpAllOption());
  if (command.commands.length > 0) {
    // Only the program's own `help` also shows pages of the documentation.
    command.helpCommand("help [command]", "show help for a command");
    return;
  }
  command
    .addOption(new Option("--json", "print one JSON object per line on stdout").default(false))
    .option("-q, --quiet", "results and errors only")
    .option("-v, --verbose", "show more")
    .option("--no-color", "print without colour");
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
