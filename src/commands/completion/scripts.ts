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

export const scripts = { bash, zsh, fish, powershell } as const;
