import { rememberChannelTokens } from "../channels/read-tokens.ts";
import type { Check } from "../checks/endpoint/check.ts";
import { createResults, findingMasker } from "../checks/endpoint/results.ts";
import { checkEndpoint, chooseChecks, eventsOf } from "../checks/endpoint/run.ts";
import { recordsOf, SAMPLE_ORGANISATION, type Subject } from "../checks/endpoint/samples.ts";
import { chooseSubject } from "../checks/endpoint/subject.ts";
import type { Finding } from "../checks/finding.ts";
import { runChecks } from "../checks/run.ts";
import { writeResults } from "../checks/summaries.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { type ExitCode, usageError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { counted } from "../util/units.ts";
import type { Define } from "./command.ts";
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
    .action(act(check));
};

interface CheckOptions {
  readonly product?: string;
  readonly format?: string;
  readonly event?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly junit?: string;
  readonly countCmd?: string;
  readonly yes?: boolean;
}

async function check(context: Context, to: string, options: CheckOptions): Promise<ExitCode> {
  const config = loadConfig(context, { needsSecrets: true });
  await rememberChannelTokens(context, config);
  const subject = await chooseSubject(context, config, to, options);
  const chosen = chooseChecks(subject, options);
  if (options.yes !== true) requireOwnMachine(subject, chosen);
  announce(context, subject, chosen);
  const { show, flush } = createResults(context);
  const mask = findingMasker(context);
  let made = 0;
  async function* findings(): AsyncGenerator<Finding> {
    for await (const finding of checkEndpoint(context, config, subject, chosen)) {
      made++;
      yield mask(finding);
    }
  }
  return runChecks(context, findings(), {
    show,
    flush() {
      const left = chosen.length - made;
      if (left > 0) context.report({ type: "warning", message: `ended early: ${counted(left, "check")} not made` });
      flush();
    },
    write: (all, seconds) =>
      writeResults(context, options.junit, {
        command: "zoho-hooks check",
        name: maskUrl(subject.url),
        findings: all,
        seconds,
      }),
  });
}

/** Sample events change what the app has stored. */
function requireOwnMachine({ url }: Subject, chosen: readonly Check[]): void {
  const { hostname } = new URL(url);
  if (isLoopback(hostname)) return;
  throw usageError(
    `${hostname} is not this machine: its app would act on up to ${counted(eventsOf(chosen), "sample event")}`,
    "if it is yours and may do so, add --yes",
  );
}

function announce(context: Context, { product, format, sample, url }: Subject, chosen: readonly Check[]): void {
  const hasIds = recordsOf(format, sample.data, sample.event).length > 0;
  const ids = hasIds ? ` (record ids ${SAMPLE_ORGANISATION}…)` : "";
  const lines = [
    `Checking ${maskUrl(url)}`,
    `as ${product.title} posts ${sample.event} (format ${format.id}).`,
    `Your app will act on up to ${counted(eventsOf(chosen), "sample event")}${ids}.`,
  ];
  for (const message of lines) context.report({ type: "notice", message });
}
