import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { findWatchProduct, watchProductIds } from "../../src/channels/watch-products.ts";
import { addCommands } from "../../src/commands/command.ts";
import { commands } from "../../src/commands/index.ts";
import { ToolCommand, ToolHelp } from "../../src/terminal/help.ts";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { commandReference } from "../support/command-reference.ts";

/** Each command with its arguments and flags, one per line. */
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

async function buildTree(): Promise<ToolCommand> {
  const program = new ToolCommand("zoho-hooks");
  await addCommands(
    program,
    () => async () => {},
    commands,
    () => true,
  );
  return program;
}

/** Each visible command below another, and the words that call it. */
function visibleCommands(parent: Command, path: readonly string[] = []): readonly (readonly [string, ToolCommand])[] {
  return new ToolHelp(true)
    .visibleCommands(parent)
    .filter((child) => child instanceof ToolCommand)
    .filter((child) => child.name() !== "help")
    .flatMap((child) => {
      const words = [...path, child.name()];
      return [[words.join(" "), child] as const, ...visibleCommands(child, words)];
    });
}

describe("the help of every command", async () => {
  const tree = visibleCommands(await buildTree());
  const flagsOf = new Map(
    tree.map(([path, { options }]) => [path, options.flatMap(({ long, short }) => [long, short])]),
  );

  it.each(tree)("%s has examples of it, with flags that exist", (path, command) => {
    const [title, ...examples] = command.helpText("before").split("\n");
    expect(title).toBe("Examples:");
    expect(`${examples[0]} `).toContain(`zoho-hooks ${path} `);
    // In `mcp add zoho-hooks -- npx zoho-hooks mcp` the first is a name.
    for (const [, call = ""] of examples.join("\n").matchAll(/zoho-hooks (?!-- )((?:(?! {2,}| \||;).)+)/g)) {
      const called = tree.map(([each]) => each).filter((each) => `${call} `.startsWith(`${each} `));
      const [name = ""] = called.toSorted((one, other) => other.length - one.length);
      for (const [flag] of call.matchAll(/(?<= )--?[a-z][a-z-]*/g)) expect(flagsOf.get(name)).toContain(flag);
    }
  });
});

describe("docs/commands.md", () => {
  it("is what the help says; `npm run docs` writes it", async () => {
    const page = commandReference(visibleCommands(await buildTree()));
    await expect(page).toMatchFileSnapshot("../../docs/commands.md");
  });
});

describe("the command tree", () => {
  it("is as pinned, since scripts depend on names and flags; `npm run docs` updates it", async () => {
    const program = await buildTree();
    await expect(`${describeTree(program).join("\n")}\n`).toMatchFileSnapshot("command-tree.txt");
  });
});
