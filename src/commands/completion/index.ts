import { Command, type Option } from "commander";
import { loadConfig } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { type Act, addCommands, type Define } from "../command.ts";
import { commands } from "../index.ts";
import { placeholderOf, type Suggestion, suggestValues, type Values } from "./values.ts";

export const define: Define = (command, act) => {
  command.addHelpText("before", examples("zoho-hooks completion bash", "zoho-hooks completion powershell"));
  for (const [shell, script] of Object.entries(scripts)) {
    command
      .command(shell)
      .description(`Print the completion script for ${shell}.`)
      .addHelpText("before", examples(`zoho-hooks completion ${shell}`))
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
  const { configuredProducts } = await import("../helpers/products.ts");
  try {
    return await configuredProducts(loadConfig(context), { schemas: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return (await import("../../products/index.ts")).products;
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

/**
 * What may stand in place of the last word, from the program's own commands, flags and arguments.
 * `words` are those behind the program's name; the last one is unfinished and may be empty.
 */
function complete(program: Command, products: readonly Product[], words: readonly string[]): Values {
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

/**
 * What each shell loads. A script only passes the words on to `completion words` and shows what comes back, so it
 * need not be renewed when commands, flags or events are added. A line `:files` asks for the shell's own file names.
 */

/** Works with the bash 3.2 of macOS: no mapfile, and compopt only where there is one. */
const bash = `# bash completion for zoho-hooks
_zoho_hooks() {
    local words=() word glue= last prefix= breaks= value files= i
    # Readline splits words at : and =, which names of events and flags may hold: put them together again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        if [[ \${#words[@]} -gt 0 && ( -n $glue || $word == [:=] ) ]]; then
            words[\${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        glue=
        [[ $word == [:=] ]] && glue=1
    done
    # It replaces only what stands behind the last of them.
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    last=\${words[\${#words[@]}-1]}
    [[ -n $breaks ]] && prefix=\${last%"\${last##*[$breaks]}"}
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        if [[ $value == :files ]]; then
            files=1
        else
            COMPREPLY+=("\${value#"$prefix"}")
        fi
    done < <(zoho-hooks completion words -- "\${words[@]}" 2>/dev/null)
    [[ -z $files ]] && compopt +o default 2>/dev/null
    return 0
}
complete -o default -F _zoho_hooks zoho-hooks
`;

const zsh = `#compdef zoho-hooks
_zoho_hooks() {
    local line value files=
    local -a items
    for line in "\${(@f)$(zoho-hooks completion words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            files=1
        elif [[ -n $line ]]; then
            value=\${line%%$'\\t'*}
            items+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
        fi
    done
    (( $#items )) && _describe -t values value items
    [[ -n $files ]] && _files
    return 0
}
if [[ $funcstack[1] == _zoho_hooks ]]; then
    _zoho_hooks "$@"
else
    compdef _zoho_hooks zoho-hooks
fi
`;

const fish = `# fish completion for zoho-hooks
function __zoho_hooks_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (zoho-hooks completion words -- $words "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\\n' $line
        end
    end
end
complete -c zoho-hooks -f -a '(__zoho_hooks_complete)'
`;

/**
 * For Windows PowerShell 5.1, too. Where npm has put a script of its own before the program, a bare `--` would be lost in it, and
 * an empty word on the way to any program: the one goes in an array, the other in quotes. Told nothing, PowerShell completes
 * names of files; told an empty text, it does not.
 */
const powershell = `# PowerShell completion for zoho-hooks
Register-ArgumentCompleter -Native -CommandName zoho-hooks -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @('completion', 'words', '--')
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    if ($wordToComplete) { $words += $wordToComplete } else { $words += '""' }
    $lines = @(& zoho-hooks @words 2>$null)
    foreach ($line in $lines) {
        if ($line -eq ':files') { continue }
        $value, $description = $line -split "\`t", 2
        if (-not $description) { $description = $value }
        $text = $value
        if ($value -match '[^a-zA-Z0-9:.,=*/_-]') { $text = "'" + $value.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
    if ($lines.Count -eq 0) { '' }
}
`;

const scripts = { bash, zsh, fish, powershell } as const;
