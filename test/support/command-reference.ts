import type { Command, Option } from "commander";

const INTRODUCTION = `# Commands

Every command with its arguments and flags, as \`zoho-hooks <command> --help\` shows them. \`npm run docs\` writes this page.

[Exit codes](json.md#exit-codes) and [JSON lines](json.md) are the same for all. Many flags can also be
[settings](configuration.md).`;

/** docs/commands.md: the help of each command as Markdown, and once what all of them have. */
export function commandReference(commands: readonly (readonly [words: string, command: Command])[]): string {
  const common = commands.flatMap(([, { options }]) => options.filter(isCommon));
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
    ...commands.flatMap(([words, command]) => describe(words, command)),
    "",
  ].join("\n");
}

function isCommon({ helpGroupHeading }: Option): boolean {
  return helpGroupHeading === "Common options:";
}

function describe(words: string, command: Command): readonly string[] {
  const help = command.createHelp();
  const [before = "", after = ""] = helpOf(command).split(command.helpInformation());
  const [notes = "", pages = ""] = after.split("\nDocs: ");
  const isGroup = command.commands.length > 0;
  const examples = before
    .replace(/^Examples:\n/, "")
    .replace(/^ {2}/gm, "")
    .trim();
  const listed = command.registeredArguments.map((each) => [help.argumentTerm(each), help.argumentDescription(each)]);
  const options = help.visibleOptions(command).filter((option) => !isCommon(option) && option.long !== "--help");
  const groups = new Set(options.map(({ helpGroupHeading = "Options:" }) => helpGroupHeading));
  const links = [...pages.matchAll(/docs\/(\S+)\.md/g)].map(([, page = ""]) => `[${page}](${page}.md)`);
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
    ...(notes.trim() === "" ? [] : ["", ...block(notes)]),
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

export function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut(part) {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}
