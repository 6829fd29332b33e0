import type { Option } from "commander";
import { commands } from "../../src/commands/index.ts";
import { COMMON_OPTIONS, type ToolCommand } from "../../src/terminal/help.ts";

const INTRODUCTION = `# Commands

Every command with its arguments and flags, as \`zoho-hooks <command> --help-all\` shows them; \`--help\`
has those of the first group. \`npm run docs\` writes this page.

[Exit codes](json.md#exit-codes) and [JSON lines](json.md) are the same for all. Many flags can also be
[settings](configuration.md).`;

/** docs/commands.md: the help of each command as Markdown, and once what all of them have. */
export function commandReference(tree: readonly (readonly [words: string, command: ToolCommand])[]): string {
  const common = tree.flatMap(([, { options }]) => options.filter(isCommon));
  const distinct = new Map(common.map((option) => [option.flags, option]));
  return [
    INTRODUCTION,
    "",
    "## Common options",
    "",
    ...table(
      "flag",
      [...distinct.values()].map(({ flags, description }) => [flags, description]),
    ),
    ...tree.flatMap(([words, command]) => describe(words, command)),
    "",
  ].join("\n");
}

function isCommon({ helpGroupHeading }: Option): boolean {
  return helpGroupHeading === COMMON_OPTIONS;
}

function describe(words: string, command: ToolCommand): readonly string[] {
  command.showsAll = true;
  const help = command.createHelp();
  const isGroup = command.commands.length > 0;
  const examples = command
    .helpText("before")
    .replace(/^Examples:\n/, "")
    .replace(/^ {2}/gm, "");
  const notes = command.helpText("after");
  const listed = command.registeredArguments.map((each) => [help.argumentTerm(each), help.argumentDescription(each)]);
  const options = help.visibleOptions(command).filter((option) => !isCommon(option) && option.long !== "--help");
  const groups = new Set(options.map(({ helpGroupHeading = "Options:" }) => helpGroupHeading));
  const { pages = [] } = commands.find(({ name }) => name === words) ?? {};
  const links = pages.map((page) => `[${page}](${page}.md)`);
  return [
    "",
    `${words.includes(" ") ? "###" : "##"} ${words}`,
    "",
    command.description(),
    "",
    ...block(isGroup ? examples : `${examples}\n\nUsage: ${help.commandUsage(command)}`),
    ...(isGroup ? [] : titled("Arguments", table("argument", listed))),
    ...[...groups].flatMap((group) => {
      const rows = options.filter(({ helpGroupHeading = "Options:" }) => helpGroupHeading === group);
      return titled(
        group.replace(/:$/, ""),
        table(
          "flag",
          rows.map((each) => [each.flags, help.optionDescription(each)]),
        ),
      );
    }),
    ...(notes === "" ? [] : ["", ...block(notes)]),
    ...(words.includes(" ") ? [] : ["", `More: ${links.join(", ")}`]),
  ];
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", `**${title}**`, "", ...lines];
}

function table(head: string, rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(([term = "", text = ""]) => `| \`${term.replaceAll("|", "\\|")}\` | ${escaped(text)} |`);
  return [`| ${head} | |`, "| --- | --- |", ...lines];
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
}

function block(text: string): readonly string[] {
  return ["```text", text.trim(), "```"];
}
