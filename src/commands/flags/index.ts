import { type Command, Option } from "commander";
import { type Settings, settingOf, settingText } from "../../project/settings.ts";

export const JUNIT_FLAG = ["--junit <file>", "also write the results to this file, as JUnit XML"] as const;

/** For a repeatable option. It overrides an earlier `--no-` of the same name. */
export function collect(value: string, before: readonly string[] | false = []): readonly string[] {
  return before === false ? [value] : [...before, value];
}

/** The flags of these settings, in this order. */
export function addSettingFlags(command: Command, ...keys: readonly (keyof Settings)[]): Command {
  for (const { flag: [flag, help] = ["", ""], placeholder, entries, ...row } of keys.flatMap(
    (key) => settingOf(key) ?? [],
  )) {
    const flags = placeholder === undefined || flag.includes("<") ? flag : `${flag} <${placeholder}>`;
    const option = new Option(
      flags,
      help.replace("{}", () => settingText(row.key, row.default)),
    );
    command.addOption(entries === undefined ? option : option.argParser(collect));
  }
  return command;
}
