import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { addCommands } from "../../src/commands/tree.ts";

/** Each command with its arguments and flags, one a line. */
function describeTree(command: Command, path: readonly string[] = []): readonly string[] {
  const name = [...path, command.name()];
  const words = command.registeredArguments.map((argument) => {
    const word = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  const flags = command.options.map(({ flags: text }) => `  ${text}`);
  return [[...name, ...words].join(" "), ...flags, ...command.commands.flatMap((child) => describeTree(child, name))];
}

describe("the command tree", () => {
  it("is as it was, for names and flags are an interface that scripts build on; `npm run docs` writes it anew", async () => {
    const program = new Command("zoho-hooks");
    await addCommands(
      program,
      () => async () => {},
      commands,
      () => true,
    );
    await expect(`${describeTree(program).join("\n")}\n`).toMatchFileSnapshot("command-tree.txt");
  });
});
