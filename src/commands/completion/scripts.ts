interface Completion {
  readonly script: string;
  /** How to install it, in one line. */
  readonly install: string;
}

/** Works with the bash 3.2 of macOS: no mapfile, and compopt only where it exists. */
const bash: Completion = {
  script: `# bash completion for zoho-hooks
_zoho_hooks() {
    local program=(zoho-hooks) words=() word glue= last prefix= breaks= value files= i
    if [[ $1 == npx ]]; then
        [[ \${COMP_WORDS[1]} == zoho-hooks && $COMP_CWORD -gt 1 ]] || return 0
        # It must not offer to install anything.
        program=(npx --no zoho-hooks)
        COMP_WORDS=("\${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
    fi
    # Readline splits words at : and =, which event names and flags contain: join them again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        # Without the backslashes that quote a space.
        word=\${COMP_WORDS[i]//\\\\/}
        if [[ \${#words[@]} -gt 0 && ( -n $glue || $word == [:=] ) ]]; then
            words[\${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        glue=
        [[ $word == [:=] ]] && glue=1
    done
    # Readline replaces only what follows the last of them.
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    last=\${words[\${#words[@]}-1]}
    [[ -n $breaks ]] && prefix=\${last%"\${last##*[$breaks]}"}
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        if [[ $value == :files ]]; then
            files=1
        else
            value=\${value#"$prefix"}
            # Bash inserts a value as it is: quote what is more than a plain word.
            [[ $value == *[!a-zA-Z0-9._:=,*/@+-]* ]] && printf -v value %q "$value"
            COMPREPLY+=("$value")
            [[ $value == *: ]] && compopt -o nospace 2>/dev/null
        fi
    done < <("\${program[@]}" completion words -- "\${words[@]}" 2>/dev/null </dev/null)
    [[ -z $files ]] && compopt +o default 2>/dev/null
    return 0
}
complete -o default -F _zoho_hooks zoho-hooks
complete -p npx &>/dev/null || complete -o default -F _zoho_hooks npx
`,
  install: "zoho-hooks completion bash >> ~/.bashrc",
};

const zsh: Completion = {
  script: `#compdef zoho-hooks
_zoho_hooks() {
    local line value files=
    local -a program items options
    program=(zoho-hooks)
    if [[ $words[1] == npx ]]; then
        if [[ $words[2] != zoho-hooks || $CURRENT -lt 3 ]]; then
            _default
            return
        fi
        # It must not offer to install anything.
        program=(npx --no zoho-hooks)
        shift words
        (( CURRENT-- ))
    fi
    for line in "\${(@f)$($program completion words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}"; do
        if [[ $line == :files ]]; then
            files=1
        elif [[ -n $line ]]; then
            value=\${line%%$'\\t'*}
            [[ $value == *: ]] && options=(-S '')
            items+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
        fi
    done
    (( $#items )) && _describe -t values value items "\${(@)options}"
    [[ -n $files ]] && _files
    return 0
}
if [[ $funcstack[1] == _zoho_hooks ]]; then
    _zoho_hooks "$@"
else
    compdef _zoho_hooks zoho-hooks
    (( $+_comps[npx] )) || compdef _zoho_hooks npx
fi
`,
  // Behind compinit, whose function it calls.
  install: "zoho-hooks completion zsh >> ~/.zshrc",
};

const fish: Completion = {
  script: `# fish completion for zoho-hooks
function __zoho_hooks_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    if test "$program" = npx
        # It must not offer to install anything.
        set program npx --no zoho-hooks
        set -e words[1]
    end
    set -l current (commandline -ct)
    for line in ($program completion words -- $words "$current" 2>/dev/null </dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\\n' $line
        end
    end
end
function __zoho_hooks_by_npx
    set -l words (commandline -opc)
    test "$words[2]" = zoho-hooks
end
complete -c zoho-hooks -f -a '(__zoho_hooks_complete)'
complete -c npx -f -n __zoho_hooks_by_npx -a '(__zoho_hooks_complete)'
`,
  // conf.d, not completions/: fish loads a file there only for the command of the same name.
  install: "zoho-hooks completion fish > ~/.config/fish/conf.d/zoho-hooks.fish",
};

/**
 * Also for Windows PowerShell 5.1. The script that npm puts before the program loses a bare `--`, so it goes in an array;
 * some versions drop an empty word, so it goes in quotes. PowerShell completes file names when it gets no result, and does
 * not when it gets an empty text.
 */
const powershell: Completion = {
  script: `# PowerShell completion for zoho-hooks
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
`,
  // Not >> into the file: Windows PowerShell would mix encodings in it.
  install: "zoho-hooks completion powershell | Out-String | Invoke-Expression     in the file that $PROFILE names",
};

/**
 * A script only passes the words to `completion words` and shows the answer, so it stays valid when commands, flags or
 * events are added. A line `:files` asks for the shell's own file names. No space follows a value that ends in a colon.
 */
export const scripts: Readonly<Record<string, Completion>> = { bash, zsh, fish, powershell };
