import type { Command, Option } from "commander";
import type { Product } from "../../core/product.ts";
import { placeholderOf, type Suggestion, suggestValues, type Values } from "./values.ts";

/**
 * What may stand in place of the last word, from the program's own commands, flags and arguments.
 * `words` are those behind the program's name; the last one is unfinished and may be empty.
 */
export function complete(program: Command, products: readonly Product[], words: readonly string[]): Values {
  const current = words.at(-1) ?? "";
  const { command, positionals, given, awaiting, literal } = walk(program, words.slice(0, -1));
  const names = {
    product: given.get("product") ?? positionalNamed(command, positionals, "product"),
    format: given.get("format"),
    group: command.parent === null || command.parent === program ? command.name() : command.parent.name(),
  };
  const valuesOf = (placeholder: string, choices: readonly string[] | undefined, word: string): Values =>
    suggestValues({ placeholder, choices, ...names }, products, word);

  if (awaiting !== undefined && (awaiting.required || !current.startsWith("-"))) {
    return valuesOf(placeholderOf(awaiting.flags), awaiting.argChoices, current);
  }
  const [, flag, start = ""] = literal ? [] : (/^(--[^=]+)=(.*)$/s.exec(current) ?? []);
  const assigned = flag === undefined ? undefined : findOption(command, flag);
  if (assigned !== undefined) {
    const { suggestions } = valuesOf(placeholderOf(assigned.flags), assigned.argChoices, start);
    return { suggestions: suggestions.map((each) => ({ ...each, value: `${flag}=${each.value}` })), files: false };
  }
  if (!literal && current.startsWith("-"))
    return { suggestions: startingWith(flagsOf(command), current), files: false };
  if (command.commands.length > 0) return { suggestions: startingWith(subcommandsOf(command), current), files: false };
  const argument = command.registeredArguments[positionals.length] ?? command.registeredArguments.at(-1);
  const expected = positionals.length < command.registeredArguments.length || argument?.variadic === true;
  const values =
    argument === undefined || !expected
      ? { suggestions: [], files: false }
      : valuesOf(argument.name(), argument.argChoices, current);
  // With nothing to name there are still flags to choose from.
  const empty = values.suggestions.length === 0 && !values.files && current === "";
  return empty && !literal ? { suggestions: flagsOf(command), files: false } : values;
}

interface Walk {
  readonly command: Command;
  readonly positionals: readonly string[];
  /** Values of flags, by the flag's long name. */
  readonly given: ReadonlyMap<string, string>;
  /** The flag whose value comes next. */
  readonly awaiting: Option | undefined;
  /** A `--` has been passed: no flag comes any more. */
  readonly literal: boolean;
}

function walk(program: Command, words: readonly string[]): Walk {
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

function positionalNamed(command: Command, positionals: readonly string[], name: string): string | undefined {
  const at = command.registeredArguments.findIndex((argument) => argument.name() === name);
  return at === -1 ? undefined : positionals[at];
}

function flagsOf(command: Command): readonly Suggestion[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }) => {
      const value = long ?? short;
      return value === undefined ? [] : [{ value, description }];
    });
}

function subcommandsOf(command: Command): readonly Suggestion[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), description: child.summary() || child.description() }));
}

function startingWith(suggestions: readonly Suggestion[], start: string): readonly Suggestion[] {
  return suggestions.filter(({ value }) => value.startsWith(start));
}
