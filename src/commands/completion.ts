import { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import type { Context } from "../context.ts";
import { ExitCode, UserError } from "../core/errors.ts";
import type { Product } from "../core/product.ts";
import type { Act, Define } from "./command.ts";
import { complete } from "./completion/complete.ts";
import { scripts } from "./completion/scripts.ts";
import { commands } from "./index.ts";
import { addCommands } from "./tree.ts";

export const define: Define = (command, act) => {
  for (const [shell, script] of Object.entries(scripts)) {
    command
      .command(shell)
      .description(`Print the completion script for ${shell}.`)
      .addHelpText("after", INSTALL[shell] ?? "")
      .action(
        act(async (context: Context) => {
          context.report({ type: "text", text: script, json: { type: "completion", shell, script } });
          return ExitCode.ok;
        }),
      );
  }
  command
    .command("words", { hidden: true })
    .description("Print what may stand in place of the last word. The scripts call this.")
    .argument("[words...]")
    .action(act((context: Context, words: readonly string[]) => suggest(context, command, act, words)));
};

const INSTALL: Readonly<Record<string, string>> = {
  bash: `
Install, in ~/.bashrc:
  eval "$(zoho-hooks completion bash)"
or, where the package bash-completion is installed, once:
  zoho-hooks completion bash > ~/.local/share/bash-completion/completions/zoho-hooks
`,
  zsh: `
Install, in ~/.zshrc behind compinit:
  eval "$(zoho-hooks completion zsh)"
or once, into a folder of $fpath:
  zoho-hooks completion zsh > ~/.zfunc/_zoho-hooks
`,
  fish: `
Install, once:
  zoho-hooks completion fish > ~/.config/fish/completions/zoho-hooks.fish
`,
  powershell: `
Install, in the file that $PROFILE names:
  zoho-hooks completion powershell | Out-String | Invoke-Expression
`,
};

/** An empty word as PowerShell passes it: of a bare one some of its versions leave nothing. */
const EMPTY = '""';

/** One suggestion a line: the word, a tab, what it is. `:files` where names of files fit. */
async function suggest(context: Context, self: Command, act: Act, passed: readonly string[]): Promise<ExitCode> {
  const words = passed.map((word) => (word === EMPTY ? "" : word));
  const program = await wholeProgram(self.parent ?? self, act, words);
  // The first word is a command: nothing of the products is needed to name it.
  const products = words.length > 1 ? await knownProducts(context) : [];
  const { suggestions, files } = complete(program, products, words);
  const lines = [...suggestions.map(({ value, description }) => `${value}\t${oneLine(description)}`)];
  const text = [...lines, ...(files ? [":files"] : [])].map((line) => `${line}\n`).join("");
  context.report({ type: "text", text, json: { type: "suggestions", suggestions, files } });
  return ExitCode.ok;
}

/** With the user's own as far as their files can be read: a mistake in one is no reason to suggest nothing. */
async function knownProducts(context: Context): Promise<readonly Product[]> {
  const { configuredProducts } = await import("./configured-products.ts");
  try {
    return await configuredProducts(loadConfig(context), { schemas: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return (await import("../products/index.ts")).products;
  }
}

/** The program once more, with everything below the one command that the words name. */
async function wholeProgram(running: Command, act: Act, words: readonly string[]): Promise<Command> {
  const program = new Command(running.name()).copyInheritedSettings(running);
  for (const option of running.options) program.addOption(option);
  const named = words.find((word) => !word.startsWith("-") && word !== "help");
  await addCommands(program, act, commands, (name) => name === named);
  return program;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
