import type { Command, Option } from "commander";
import type { Product } from "../../model/product.ts";
import type { Context } from "../../project/context.ts";
import { loadConfig } from "../../project/load.ts";
import { examples, findTopics, ToolCommand, ToolHelp } from "../../terminal/help.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { type Act, addCommands, type CommandEntry, type Define } from "../command.ts";
import { scripts } from "./scripts.ts";
import { type Suggestion, suggestValues, type Values } from "./values.ts";

/** A script for a shell. @printedBy completion */
export interface CompletionLine {
  readonly type: "completion";
  readonly shell: string;
  readonly script: string;
}

/** What can replace the last word. For the scripts of `completion`. @printedBy completion words */
export interface SuggestionsLine {
  readonly type: "suggestions";
  readonly suggestions: readonly Suggestion[];
  /** Names of files as well. */
  readonly files: boolean;
}

/** The command, for a program that has these commands. */
export function completionOf(commands: readonly CommandEntry[]): Define {
  return (command, act) => {
    command.addHelpText("before", examples(...Object.values(scripts).map(({ install }) => install)));
    for (const [shell, { script, install }] of Object.entries(scripts)) {
      const print = async (context: Context) => {
        const json: CompletionLine = { type: "completion", shell, script };
        context.report({ type: "text", text: script, json });
        return ExitCode.ok;
      };
      command
        .command(shell)
        .description(`Print the completion script for ${shell}.`)
        .addHelpText("before", examples(install))
        .action(act(print));
    }
    const printWords = async (context: Context, passed: readonly string[]) => {
      // Some versions of PowerShell drop an empty word, so its script passes two quotes.
      const words = passed.map((word) => (word === '""' ? "" : word));
      const program = await programFor(words, { running: command.parent ?? command, act, commands });
      // The first word is a command, which needs no products.
      const products = words.length > 1 ? await knownProducts(context) : [];
      const topics = words.length === 2 && words[0] === "help" ? [...findTopics(context.packageRoot).keys()] : [];
      const pages = topics.map((value) => ({ value, description: "page of the documentation" }));
      const { suggestions: named, files } = complete(program, products, words);
      const all = [...named, ...startingWith(pages, words.at(-1) ?? "").suggestions];
      const suggestions = all.filter(({ value }) => HARMLESS.test(value));
      const lines = suggestions.map(({ value, description }) => `${value}\t${oneLine(description)}`);
      const text = [...lines, ...(files ? [":files"] : [])].map((line) => `${line}\n`).join("");
      const json: SuggestionsLine = { type: "suggestions", suggestions, files };
      context.report({ type: "text", text, json });
      return ExitCode.ok;
    };
    command
      .command("words", { hidden: true })
      .description("Print what can replace the last word. The scripts call this.")
      .argument("[words...]")
      .action(act(printWords));
  };
}

/** The names of a project's events may be a stranger's: no value may be a command to a shell, or begin another suggestion. */
const HARMLESS = /^[\p{L}\p{M}\p{N} ._:=,*/@+-]*$/u;

/** A new program in which the command that the words name has all its flags, arguments and subcommands. */
async function programFor(
  words: readonly string[],
  { running, act, commands }: { running: Command; act: Act; commands: readonly CommandEntry[] },
): Promise<ToolCommand> {
  const program = new ToolCommand(running.name()).copyInheritedSettings(running);
  for (const option of running.options) program.addOption(option);
  const named = words.find((word) => !word.startsWith("-") && word !== "help");
  await addCommands(program, act, commands, (name) => name === named);
  return program;
}

/** The user's own products too, unless their settings are broken: suggest the others rather than nothing. */
async function knownProducts(context: Context): Promise<readonly Product[]> {
  const { projectProducts } = await import("../../own-products/project-products.ts");
  try {
    return await projectProducts(loadConfig(context), { schemas: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return (await import("../../products/index.ts")).products;
  }
}

/** Suggestions for the last word, which may be empty. The words follow the program's name. */
function complete(program: Command, products: readonly Product[], words: readonly string[]): Values {
  const current = words.at(-1) ?? "";
  const { command, positionals, given, awaiting, isLiteral } = parse(program, words.slice(0, -1));
  const productAt = command.registeredArguments.findIndex((argument) => argument.name() === "product");
  const names = {
    product: given.get("product") ?? positionals[productAt],
    format: given.get("format"),
    group: command.parent === null || command.parent === program ? command.name() : command.parent.name(),
  };
  const flagValues = ({ flags, argChoices: choices }: Option, word: string): Values => {
    const [, placeholder = ""] = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(flags) ?? [];
    return suggestValues({ placeholder, choices, ...names }, products, word);
  };

  if (awaiting !== undefined && (awaiting.required || !current.startsWith("-"))) return flagValues(awaiting, current);
  const [, flag = "", start = ""] = isLiteral ? [] : (/^(--[^=]+)=(.*)$/s.exec(current) ?? []);
  const assigned = findOption(command, flag);
  if (assigned !== undefined) {
    const { suggestions } = flagValues(assigned, start);
    return { suggestions: suggestions.map((each) => ({ ...each, value: `${flag}=${each.value}` })), files: false };
  }
  const help = new ToolHelp(true);
  const flags = help
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
  if (!isLiteral && current.startsWith("-")) return startingWith(flags, current);
  if (command.commands.length > 0) {
    const children = help.visibleCommands(command);
    const named = children.map((child) => ({
      value: child.name(),
      description: child.summary() || child.description(),
    }));
    return startingWith(named, current);
  }
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals.length] ?? (last?.variadic === true ? last : undefined);
  if (argument !== undefined) {
    const wanted = { placeholder: argument.name(), choices: argument.argChoices, ...names };
    const values = suggestValues(wanted, products, current);
    if (values.suggestions.length > 0 || values.files) return values;
  }
  return { suggestions: current === "" && !isLiteral ? flags : [], files: false };
}

/** The command that words name, and what they give it. Commander cannot parse an unfinished line. */
function parse(program: Command, words: readonly string[]): UnfinishedLine {
  const line = new UnfinishedLine(program);
  for (const word of words) line.add(word);
  return line;
}

class UnfinishedLine {
  readonly #program: Command;
  command: Command;
  readonly positionals: string[] = [];
  /** Values of flags, by the flag's long name. */
  readonly given = new Map<string, string>();
  /** The flag whose value comes next. */
  awaiting: Option | undefined;
  /** A `--` has come: no flag follows. */
  isLiteral = false;

  constructor(program: Command) {
    this.#program = program;
    this.command = program;
  }

  add(word: string): void {
    if (this.awaiting !== undefined && (this.awaiting.required || !word.startsWith("-"))) {
      this.given.set(this.awaiting.name(), word);
      this.awaiting = undefined;
    } else if (this.isLiteral || !word.startsWith("-") || word === "-") this.#addPositional(word);
    else if (word === "--") this.isLiteral = true;
    else this.#addFlag(word);
  }

  #addPositional(word: string): void {
    const child = this.command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (child !== undefined && this.positionals.length === 0) this.command = child;
    else if (this.command !== this.#program || word !== "help") this.positionals.push(word);
  }

  #addFlag(word: string): void {
    const [name = "", value] = word.split(/=(.*)/s, 2);
    const option = findOption(this.command, name);
    if (option !== undefined && value !== undefined) this.given.set(option.name(), value);
    this.awaiting = value === undefined && (option?.required || option?.optional) ? option : undefined;
  }
}

function findOption(command: Command, flag: string): Option | undefined {
  return command.options.find((option) => option.long === flag || option.short === flag);
}

function startingWith(suggestions: readonly Suggestion[], start: string): Values {
  return { suggestions: suggestions.filter(({ value }) => value.startsWith(start)), files: false };
}
