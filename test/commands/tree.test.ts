import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addCommands } from "../../src/commands/command.ts";
import { commands } from "../../src/commands/index.ts";
import { findWatchProduct, watchProductIds } from "../../src/zoho/channels/products.ts";
import { managedProducts } from "../../src/zoho/webhooks/index.ts";

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

describe("the summary of a command", () => {
  it.each([
    ["channels", watchProductIds.map((id) => findWatchProduct(id).title)],
    ["webhooks", managedProducts.map(({ title }) => title)],
  ])("of %s names the products that it is for", (command, titles) => {
    const { summary = "" } = commands.find(({ name }) => name === command) ?? {};
    expect(titles.filter((title) => !summary.includes(title.replace("Zoho ", "")))).toEqual([]);
  });
});

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
