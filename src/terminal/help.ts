import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Argument, HelpConfiguration, Option, OutputConfiguration } from "commander";
import type { Output } from "../process/output.ts";
import type { Runtime } from "../process/runtime.ts";
import { wrapText } from "./layout.ts";

/** Longer lines are hard to read, however wide the terminal is. */
const MAX_COLUMNS = 100;

/** For `addHelpText("before", …)`: help begins with commands to copy. */
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

/** For the end of the help. */
export function topicsText(packageRoot: string): string {
  const topics = [...findTopics(packageRoot).keys()];
  return topics.length === 0 ? "" : `\nTopics, for zoho-hooks help <topic>:\n  ${topics.join(", ")}\n`;
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
