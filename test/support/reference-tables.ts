import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BINDINGS } from "../../src/commands/listen/keys/keymap.ts";
import { ExitCode } from "../../src/util/errors.ts";

/** The exit codes as a Markdown table, with the comments of their definition. */
export function exitCodeTable(): string {
  const source = readFileSync(join(import.meta.dirname, "../../src/util/errors.ts"), "utf8");
  const rows = Object.entries(ExitCode).map(([name, code]) => {
    const [, meaning] = new RegExp(`/\\*\\* (.+)\\. \\*/\\n +${name}: ${code},`).exec(source) ?? [];
    if (meaning === undefined) throw new Error(`ExitCode.${name} has no comment`);
    return `| ${code} | ${meaning} |`;
  });
  return ["| exit code | meaning |", "| --- | --- |", ...rows, ""].join("\n");
}

/** The keys of `listen` as a Markdown table, as its list of keys has them. */
export function keyTable(): string {
  const rows = BINDINGS.flatMap((binding) => ("help" in binding ? [`| \`${binding.shown}\` | ${binding.help} |`] : []));
  return ["| key | what it does |", "| --- | --- |", ...rows, ""].join("\n");
}
