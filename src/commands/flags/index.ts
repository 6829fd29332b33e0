import type { Command } from "commander";

/** For a repeatable option. It overrides an earlier `--no-` of the same name. */
export function collect(value: string, before: readonly string[] | false = []): readonly string[] {
  return before === false ? [value] : [...before, value];
}

/** No flag takes a secret itself: the shell's history and every process list would show it. */
export function addSecretOptions(command: Command): Command {
  return command
    .option(
      "--secret-file <path>",
      "read the signing secret from a file, - for standard input (default: ZOHO_WEBHOOK_SECRET)",
    )
    .option("--token-file <path>", "read the token from a file, - for standard input (default: ZOHO_WEBHOOK_TOKEN)");
}
