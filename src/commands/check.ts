import { setMaxListeners } from "node:events";
import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { type Check, groupOf, type Result, skipped } from "../checks/endpoint/check.ts";
import { openEndpoint } from "../checks/endpoint/endpoint.ts";
import { mayBeInsecure } from "../checks/endpoint/reachability.ts";
import { checks, checksFor, createRunner, eventsOf, groups, prerequisitesOf } from "../checks/endpoint/run.ts";
import { recordsOf, SAMPLE_ORGANISATION } from "../checks/endpoint/samples.ts";
import type { Subject } from "../checks/endpoint/subject.ts";
import { type CheckOptions, chooseSubject } from "../checks/find-subject.ts";
import { createResults, type Results } from "../checks/results.ts";
import { summaryWriter } from "../checks/summary.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { givenSecrets } from "../project/given-secrets.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { counted } from "../util/units.ts";
import type { Define } from "./command.ts";
import { addSecretOptions, collect } from "./flags/index.ts";

const HELP = `
The url is written as the target of send --to: 3000 is http://localhost:3000/webhooks/zoho/<product>.

Only this address is asked, with at most 250 requests in 5 minutes, and redirects are not followed. Checks that need a
secret are skipped without one: give check the same secrets as your app has.

Exits with 0 if nothing failed, else with 8. Warnings do not fail.`;

export const define: Define = (command, act) => {
  addSecretOptions(
    command
      .argument("<url>", "your endpoint: URL, port, or host:port/path")
      .option("--product <product>", "crm, desk, books, … (default: the one at the end of the URL's path, else crm)")
      .option("--format <format>", "wire: as Zoho's servers post it (default); guide: as in the Webhooks Guide; …")
      .option("--only <check>", "only this check or group, such as security (repeatable)", collect)
      .option("--skip <check>", "all but this check or group (repeatable)", collect)
      .option("--summary <junit=file>", "also write the results to this file, as JUnit XML")
      .option("--count-cmd <command>", "a command that prints how many events your app has acted on")
      .option("-y, --yes", "check a host that is not this machine: the events will reach it"),
  )
    .addHelpText(
      "before",
      examples(
        "zoho-hooks check 3000",
        "zoho-hooks check 3000 --product desk --format wire",
        "zoho-hooks check 3000 --only security",
        `zoho-hooks check 3000 --count-cmd 'psql -Atc "select count(*) from events"'`,
        "zoho-hooks check https://hooks.example.com/webhooks/zoho/crm --yes --summary junit=check.xml",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(check));
};

/** For all of it: an endpoint that hangs is given up. */
const MAX_RUN_MS = 300_000;

async function check(context: Context, to: string, options: CheckOptions): Promise<ExitCode> {
  const config = loadConfig(context, { secrets: await givenSecrets(context, options) });
  await rememberChannelTokens(context, config);
  const write = summaryWriter(context, options.summary);
  const subject = await chooseSubject(context, config, to, options);
  const chosen = chooseChecks(subject, options);
  requireConsent(subject, chosen, options);
  announce(context, subject, chosen);
  const results = createResults(context, subject);
  const startedAt = performance.now();
  try {
    await runAll(context, config, { subject, chosen, results });
  } finally {
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const left = chosen.length - results.cases.length;
    if (left > 0) context.report({ type: "warning", message: `ended early: ${counted(left, "check")} not made` });
    results.end(seconds);
    write(results.cases, { name: maskUrl(subject.url), seconds });
  }
  return results.failed > 0 ? ExitCode.expectation : ExitCode.ok;
}

interface Run {
  readonly subject: Subject;
  readonly chosen: readonly Check[];
  readonly results: Results;
}

async function runAll(context: Context, config: Config, { subject, chosen, results }: Run): Promise<void> {
  const over = new AbortController();
  // One listener for each request under way is not a leak.
  setMaxListeners(0, over.signal);
  const stop = (): void => over.abort(context.signal.reason);
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  const timer = setTimeout(() => over.abort(TOO_LONG), MAX_RUN_MS);
  const { env } = config;
  const { sleep, now } = context;
  const endpoint = await openEndpoint(subject, {
    env,
    sleep,
    now,
    signal: over.signal,
    insecure: mayBeInsecure(subject),
  });
  const run = createRunner(endpoint);
  let isBlocked = false;
  try {
    for (const [i, each] of chosen.entries()) {
      const progress = `check ${i + 1} of ${chosen.length}: ${each.title}`;
      const result = await context
        .waiting(progress, () => run(each))
        .catch((error: unknown): Result => {
          if (error !== TOO_LONG) throw error;
          return skipped("the time limit of 5 minutes has passed");
        });
      isBlocked ||= result.isBlocked === true;
      results.add(each, result);
    }
    // With --only or --skip what blocks the others may not be among them, and nothing tried is not a success.
    if (!isBlocked || results.failed > 0) return;
    for (const each of prerequisitesOf(subject)) {
      const result = await run(each);
      if (result.outcome === "failed") results.add(each, result);
    }
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", stop);
    await endpoint.close();
  }
}

const TOO_LONG = new Error("the time limit has passed");

/** Throws a usage error for a name that is neither a check nor a group, or has nothing to check here. */
function chooseChecks(subject: Subject, { only = [], skip = [] }: CheckOptions): readonly Check[] {
  const isNamed = (check: Check, names: readonly string[]): boolean =>
    names.includes(check.id) || names.includes(groupOf(check));
  for (const [flag, names] of [
    ["--only", only],
    ["--skip", skip],
  ] as const) {
    const unknown = names.find((name) => !groups.includes(name) && checks.every(({ id }) => id !== name));
    if (unknown === undefined) continue;
    const [group = ""] = unknown.split(".", 1);
    const known = groups.includes(group)
      ? checks.filter((each) => groupOf(each) === group).map(({ id }) => id)
      : groups;
    throw usageError(`${flag}: there is no check ${JSON.stringify(unknown)}`, `there are ${known.join(", ")}`);
  }
  const chosen = checksFor(subject).filter(
    (each) => (only.length === 0 || isNamed(each, only)) && !isNamed(each, skip),
  );
  if (chosen.length > 0) return chosen;
  const { product, format } = subject;
  throw usageError("no check is left", `nothing of that applies to ${product.id} ${format.id} at this address`);
}

/** Sample events change what the app has stored. */
function requireConsent({ url }: Subject, chosen: readonly Check[], { yes }: CheckOptions): void {
  const { hostname } = new URL(url);
  if (yes === true || isLoopback(hostname)) return;
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
