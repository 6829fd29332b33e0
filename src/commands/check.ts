import { type CheckOptions, check } from "../checks/check.ts";
import { writeResults } from "../checks/summaries.ts";
import { maskUrl } from "../delivery/mask.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { examples } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";
import { collect, JUNIT_FLAG } from "./flags/index.ts";

const HELP = `
Write the URL like the target of send --to: 3000 is http://localhost:3000/webhooks/zoho/<product>.

It sends at most 250 requests in 5 minutes, only to this address, and follows no redirects. Checks that need a secret are
skipped without one: give check the same secrets as your app.

Exits with 0 if nothing failed, else with 8. Warnings do not fail.`;

export const define: Define = (command, act) => {
  command
    .argument("<url>", "your endpoint: URL, port, or host:port/path")
    .option("--product <product>", "crm, desk, books, … (default: the one at the end of the URL's path, else crm)")
    .option("--format <format>", "wire: as Zoho's servers post it (default); guide: as in the Webhooks Guide; …")
    .option("--event <event>", "the event that is sent, such as Deals.update (default: the first of the format)")
    .option("--only <check>", "only this check or group, such as security (repeatable)", collect)
    .option("--skip <check>", "all but this check or group (repeatable)", collect)
    .option(...JUNIT_FLAG)
    .option("--count-cmd <command>", "a command that prints how many events your app has acted on")
    .option("-y, --yes", "check a host that is not this machine: the events will reach it")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks check 3000",
        "zoho-hooks check 3000 --product desk --format wire",
        "zoho-hooks check 3000 --only security",
        `zoho-hooks check 3000 --count-cmd 'psql -Atc "select count(*) from events"'`,
        "zoho-hooks check https://hooks.example.com/webhooks/zoho/crm --yes --junit check.xml",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(checkUrl));
};

interface CheckFlags extends CheckOptions {
  readonly junit?: string;
}

function checkUrl(context: CommandContext, url: string, { junit, ...options }: CheckFlags): Promise<ExitCode> {
  return check(openWorkspace(context), url, {
    ...options,
    onEnd: ({ url: checked, ...results }) =>
      writeResults(context, junit, { command: "zoho-hooks check", name: maskUrl(checked), ...results }),
  });
}
