import { Command, type Option } from "commander";
import type { Product } from "../../contract/product.ts";
import type { Context } from "../../project/context.ts";
import { loadConfig } from "../../project/load.ts";
import { examples, findTopics } from "../../terminal/help.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { type Act, addCommands, type CommandEntry, type Define } from "../command.ts";
import { scripts } from "./scripts.ts";
import { type Suggestion, suggestValues, type Values } from "./values.ts";

/** The command, for a program that has these commands. */
export function completionOf(commands: readonly CommandEntry[]): Define {
  return (command, act) => {
    command.addHelpText("before", examples("zoho-hooks completion bash", "zoho-hooks completion powershell"));
    for (const [shell, { script, install }] of Object.entries(scripts)) {
      command
        .command(shell)
        .description(`Print the completion script for ${shell}.`)
        .addHelpText("before", examples(`zoho-hooks completion ${shell}`))
        .addHelpText("after", install)
        .action(
          act(async (context: Context) => {
            context.report({ type: "text", text: script, json: { type: "completion", shell, script } });
            return ExitCode.ok;
          }),
        );
    }
    command
      .command("words", { hidden: true })
      .description("Print what can replace the last word. The scripts call this.")
      .argument("[words...]")
      .action(
        act(async (context: Context, passed: readonly string[]) => {
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
          context.report({ type: "text", text, json: { type: "suggestions", suggestions, files } });
          return ExitCode.ok;
        }),
      );
  };
}

/** The names of a project's events may be a stranger's: no value may be a command to a shell, or begin another suggestion. */
const HARMLESS = /^[\p{L}\p{M}\p{N} ._:=,*/@+-]*$/u;

/** A new program in which the command that the words name has all its flags, arguments and subcommands. */
async function programFor(
  words: readonly string[],
  { running, act, commands }: { running: Command; act: Act; commands: readonly CommandEntry[] },
): Promise<Command> {
  const program = new Command(running.name()).copyInheritedSettings(running);
  for (const option of running.options) program.addOption(option);
  const named = words.find((word) => !word.startsWith("-") && word !== "help");
  await addCommands(program, act, commands, (name) => name === named);
  return program;
}

/** The user's own products too, unless their settings are broken: suggest the others rather than nothing. */
async function knownProducts(context: Context): Promise<readonly Product[]> {
  const { configuredProducts } = await import("../../custom/project-products.ts");
  try {
    return await configuredProducts(loadConfig(context), { schemas: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return (await import("../../products/index.ts")).products;
  }
}

/** Suggestions for the last word, which may be empty. The words follow the program's name. */
function complete(program: Command, products: readonly Product[], words: readonly string[]): Values {
  const current = words.at(-1) ?? "";
  const { command, positionals, given, awaiting, literal } = parse(program, words.slice(0, -1));
  const productAt = command.registeredArguments.findIndex((argument) => argument.name() === "product");
  const names = {
    product: given.get("product") ?? positionals[productAt],
    format: given.get("format"),
    group: command.parent === null || command.parent === program ? command.name() : command.parent.name(),
  };
  const valuesOf = (placeholder: string, choices: readonly string[] | undefined, word: string): Values =>
    suggestValues({ placeholder, choices, ...names }, products, word);
  const flagValues = ({ flags, argChoices }: Option, word: string): Values =>
    valuesOf(/[<[](.+?)(?:\.\.\.)?[>\]]/.exec(flags)?.[1] ?? "", argChoices, word);

  if (awaiting !== undefined && (awaiting.required || !current.startsWith("-"))) return flagValues(awaiting, current);
  const [, flag = "", start = ""] = literal ? [] : (/^(--[^=]+)=(.*)$/s.exec(current) ?? []);
  const assigned = findOption(command, flag);
  if (assigned !== undefined) {
    const { suggestions } = flagValues(assigned, start);
    return { suggestions: suggestions.map((each) => ({ ...each, value: `${flag}=${each.value}` })), files: false };
  }
  if (!literal && current.startsWith("-")) return startingWith(flagsOf(command), current);
  if (command.commands.length > 0) return startingWith(subcommandsOf(command), current);
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals.length] ?? (last?.variadic === true ? last : undefined);
  const values = argument && valuesOf(argument.name(), argument.argChoices, current);
  if (values !== undefined && (values.suggestions.length > 0 || values.files)) return values;
  return { suggestions: current === "" && !literal ? flagsOf(command) : [], files: false };
}

interface Parsed {
  readonly command: Command;
  readonly positionals: readonly string[];
  /** Values of flags, by the flag's long name. */
  readonly given: ReadonlyMap<string, string>;
  /** The flag whose value comes next. */
  readonly awaiting: Option | undefined;
  /** A `--` has come: no flag follows. */
  readonly literal: boolean;
}

/** Commander cannot parse an unfinished line. */
function parse(program: Command, words: readonly string[]): Parsed {
  let command = program;
  const positionals: string[] = [];
  const given = new Map<string, string>();
  let awaiting: Option | undefined;
  let literal = false;
  for (const word of words) {
    if (awaiting !== undefined && (awaiting.required || !word.startsWith("-"))) {
      given.set(awaiting.name(), word);
      awaiting = undefined;
    } else if (literal || !word.startsWith("-") || word === "-") {
      const child = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (child !== undefined && positionals.length === 0) command = child;
      else if (!(command === program && word === "help")) positionals.push(word);
    } else if (word === "--") {
      literal = true;
    } else {
      const [name = "", value] = word.split(/=(.*)/s, 2);
      const option = findOption(command, name);
      const takesValue = option?.required === true || option?.optional === true;
      if (option !== undefined && value !== undefined) given.set(option.name(), value);
      awaiting = takesValue && value === undefined ? option : undefined;
    }
  }
  return { command, positionals, given, awaiting, literal };
}

function findOption(command: Command, flag: string): Option | undefined {
  return command.options.find((option) => option.long === flag || option.short === flag);
}

function flagsOf(command: Command): readonly Suggestion[] {
  const options = command.createHelp().visibleOptions(command);
  return options.map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
}

function subcommandsOf(command: Command): readonly Suggestion[] {
  const children = command.createHelp().visibleCommands(command);
  return children.map((child) => ({ value: child.name(), description: child.summary() || child.description() }));
}

function startingWith(suggestions: readonly Suggestion[], start: string): Values {
  return { suggestions: suggestions.filter(({ value }) => value.startsWith(start)), files: false };
}
