import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type AddHelpTextContext,
  type AddHelpTextPosition,
  type Argument,
  Command,
  Help,
  Option,
  type OutputConfiguration,
} from "commander";
import type { Output } from "../process/output.ts";
import type { Runtime } from "../process/runtime.ts";
import { wrapText } from "../reports/layout.ts";

/** Longer lines are hard to read, however wide the terminal is. */
const MAX_COLUMNS = 100;

/** For `addHelpText("before", …)`: commands to copy. */
export function examples(...commands: readonly string[]): string {
  return `Examples:\n${commands.map((command) => `  $ ${command}\n`).join("")}`;
}

const FOLDER = "docs";
/** The index has no text of its own, and the events are `zoho-hooks products <product>`. */
const NO_TOPICS: readonly string[] = ["README", "events"];

/** The pages of the documentation that the package has: topic to path. */
export function findTopics(packageRoot: string): ReadonlyMap<string, string> {
  const folder = join(packageRoot, FOLDER);
  // Some package managers can be told to leave documentation out.
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  const pages = files.filter((file) => file.endsWith(".md")).sort();
  const topics = pages.map((file) => [topicOf(file), join(folder, file)] as const);
  return new Map(topics.filter(([topic]) => !NO_TOPICS.includes(topic)));
}

/** `products/crm.md` is the topic `crm`. */
export function topicOf(page: string): string {
  return basename(page, ".md");
}

/** Heading of the options that every command has. */
export const COMMON_OPTIONS = "Common options:";

type HelpText = string | ((context: AddHelpTextContext) => string);

/**
 * A command with help of two lengths. `--help` fits a screen: usage, examples, arguments, and the first group of its options
 * or subcommands. `--help-all` shows every group, and the notes.
 */
export class ToolCommand extends Command {
  showsAll = false;
  /** Its topics, for `zoho-hooks help <topic>`. */
  topics: readonly string[] = [];
  readonly #helpTexts = new Map<AddHelpTextPosition, HelpText>();

  override createCommand(name?: string): ToolCommand {
    return new ToolCommand(name);
  }

  override createHelp(): Help {
    return new ToolHelp(this.showsAll);
  }

  /** The examples, which are shown before the options, or the notes after them. */
  override addHelpText(position: "before" | "after", text: HelpText): this {
    this.#helpTexts.set(position, text);
    return this;
  }

  helpText(position: "before" | "after"): string {
    const text = this.#helpTexts.get(position) ?? "";
    return (typeof text === "string" ? text : text({ error: false, command: this })).trim();
  }
}

/** Lists subcommands without `[options]`, and defaults as a user would type them. */
export class ToolHelp extends Help {
  readonly #showsAll: boolean;

  constructor(showsAll: boolean) {
    super();
    this.#showsAll = showsAll;
  }

  override subcommandTerm(command: Command): string {
    return [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" ");
  }

  override subcommandDescription(command: Command): string {
    return asSummary(command.summary() || command.description());
  }

  override optionDescription({ description, defaultValue }: Option): string {
    const isShown = defaultValue !== undefined && typeof defaultValue !== "boolean";
    return isShown ? `${description} (default: ${defaultValue})` : description;
  }

  override visibleOptions(command: Command): Option[] {
    const usual = usualSubcommand(command);
    const isListed = usual !== undefined && super.visibleCommands(command).includes(usual);
    const options = super.visibleOptions(isListed ? command : (usual ?? command));
    const group = options[0]?.helpGroupHeading;
    if (this.#showsAll) return options;
    return group === COMMON_OPTIONS ? [] : options.filter((each) => each.helpGroupHeading === group);
  }

  /** Groups in the order in which they are shown: a group of commands shows options that are not its own. */
  override groupItems<T extends Command | Option>(_: T[], shown: T[], groupOf: (item: T) => string): Map<string, T[]> {
    return super.groupItems(shown, shown, groupOf);
  }

  override visibleCommands(command: Command): Command[] {
    const commands = super.visibleCommands(command);
    return this.#showsAll ? commands : commands.filter((each) => each.helpGroup() === commands[0]?.helpGroup());
  }

  override commandDescription(command: Command): string {
    return [command.description(), helpTextOf(command, "before")].filter(Boolean).join("\n\n");
  }

  override boxWrap(text: string, columns: number): string {
    return wrapText(text, columns);
  }

  override formatHelp(command: Command, helper: Help): string {
    const columns = helper.helpWidth ?? MAX_COLUMNS;
    const shown = this.visibleCommands(command);
    const others = super.visibleCommands(command).filter((each) => !shown.includes(each));
    const list = `${others[0]?.helpGroup()} ${others.map((each) => each.name()).join(", ")}`;
    const otherList = others.length > 0 ? [wrapText(list, columns)] : [];
    const foot = [...otherList, docsText(command), ...(this.#showsAll ? [] : [moreText(command)])].join("\n");
    const notes = this.#showsAll ? wrapText(helpTextOf(command, "after"), columns) : "";
    const parts = [super.formatHelp(command, helper).trimEnd(), notes, foot];
    return `${parts.filter(Boolean).join("\n\n")}\n`;
  }
}

/** The subcommand that runs where none is named: `events` runs its `list`, `emulate` its hidden `start`. */
export function usualSubcommand(group: Command): Command | undefined {
  return group.commands.find((each) => each.name() === "list" || each.name() === "start");
}

function helpTextOf(command: Command, position: "before" | "after"): string {
  return command instanceof ToolCommand ? command.helpText(position) : "";
}

function moreText(command: Command): string {
  const path = pathOf(command);
  return `More: ${command.commands.length > 0 ? `${path} <command> --help, ` : ""}${path} --help-all`;
}

/** `zoho-hooks channels create` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function docsText(command: Command | null): string {
  if (!(command instanceof ToolCommand)) return "";
  if (command.topics.length === 0) return docsText(command.parent);
  return `Docs: ${command.topics.map((topic) => `zoho-hooks help ${topic}`).join(", ")}`;
}

/** The option of every command that shows its whole help. */
export function helpAllOption(): Option {
  return new Option("--help-all", "show all options, and what they do in detail");
}

/** Where commander prints, and how wide. */
export function helpOutput({ stdout, stderr }: Runtime): OutputConfiguration {
  return {
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: () => {},
    getOutHelpWidth: () => helpColumns(stdout),
    getErrHelpWidth: () => helpColumns(stderr),
  };
}

export function helpColumns({ columns }: Output): number {
  return Math.min(columns || MAX_COLUMNS, MAX_COLUMNS);
}

function argumentTerm(argument: Argument): string {
  const text = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${text}>` : `[${text}]`;
}

/** In a list: lower case, no full stop. */
function asSummary(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, "");
}
