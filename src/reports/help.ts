import type { Argument, HelpConfiguration, Option, OutputConfiguration } from "commander";
import type { Output } from "../output.ts";
import type { Runtime } from "../runtime.ts";
import { wrapText } from "./layout.ts";

/** Longer lines are hard to read, however wide the terminal is. */
const MAX_COLUMNS = 100;

/** For `addHelpText("before", …)`: help begins with commands to copy. */
export function examples(...commands: readonly string[]): string {
  return `Examples:\n${commands.map((command) => `  $ ${command}\n`).join("")}`;
}

/** Subcommands without `[options]`, and defaults as a user would type them. */
export const helpConfiguration: HelpConfiguration = {
  subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" "),
  subcommandDescription: (command) => asSummary(command.summary() || command.description()),
  optionDescription: ({ description, defaultValue }: Option) =>
    defaultValue === undefined || typeof defaultValue === "boolean"
      ? description
      : `${description} (default: ${defaultValue})`,
};

/** Wraps what commander prints to the terminal. */
export function helpOutput({ stdout, stderr }: Runtime): OutputConfiguration {
  return {
    writeOut: (text) => stdout.write(wrapText(text, helpColumns(stdout))),
    writeErr: (text) => stderr.write(wrapText(text, helpColumns(stderr))),
    outputError: () => {},
    getOutHelpWidth: () => helpColumns(stdout),
    getErrHelpWidth: () => helpColumns(stderr),
  };
}

function helpColumns({ columns }: Output): number {
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
