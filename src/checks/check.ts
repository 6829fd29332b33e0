import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { type ExitCode, usageError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { counted } from "../util/units.ts";
import type { Check } from "./endpoint/check.ts";
import { createResults, findingMasker } from "./endpoint/results.ts";
import { checkEndpoint, chooseChecks, eventsOf } from "./endpoint/run.ts";
import { recordsOf, SAMPLE_ORGANISATION, type Subject } from "./endpoint/samples.ts";
import { chooseSubject } from "./endpoint/subject.ts";
import type { Finding } from "./finding.ts";
import { runChecks } from "./run.ts";
import { writeResults } from "./summaries.ts";

interface CheckOptions {
  readonly product?: string;
  readonly format?: string;
  readonly event?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly junit?: string;
  readonly countCmd?: string;
  readonly yes?: boolean;
  /** No flag: throws for a URL that must not be checked, in place of the question for `yes`. */
  requireReachable?(url: string): void;
}

export async function check(context: Context, to: string, options: CheckOptions): Promise<ExitCode> {
  const config = loadConfig(context, { needsSecrets: true });
  await rememberChannelTokens(context, config);
  const subject = await chooseSubject(context, config, to, options);
  const chosen = chooseChecks(subject, options);
  if (options.requireReachable !== undefined) options.requireReachable(subject.url);
  else if (options.yes !== true) requireOwnMachine(subject, chosen);
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
