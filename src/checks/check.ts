import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { maskUrl } from "../delivery/mask.ts";
import { type ExitCode, usageError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { counted } from "../util/units.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import type { Check } from "./endpoint/check.ts";
import { createResults, findingMasker } from "./endpoint/results.ts";
import { checkEndpoint, chooseChecks, eventsOf } from "./endpoint/run.ts";
import { recordsOf, SAMPLE_ORGANISATION, type Subject } from "./endpoint/samples.ts";
import { chooseSubject } from "./endpoint/subject.ts";
import type { Finding } from "./finding.ts";
import type { CheckLine, CheckSummaryLine } from "./lines.ts";
import { runChecks } from "./run.ts";

export interface CheckOptions {
  readonly product?: string;
  readonly format?: string;
  readonly event?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly countCmd?: string;
  readonly yes?: boolean;
  /** No flag: receives the results, also of a run that was interrupted. */
  onEnd?(result: { readonly url: string; readonly findings: readonly Finding[]; readonly seconds: number }): void;
}

export async function check(
  workspace: ReportingWorkspace<CheckLine | CheckSummaryLine>,
  to: string,
  options: CheckOptions,
): Promise<ExitCode> {
  const config = { ...workspace.config, secrets: workspace.secrets() };
  await rememberChannelTokens(workspace, config);
  const subject = await chooseSubject(workspace, config, to, options);
  const chosen = chooseChecks(subject, options);
  workspace.requireReachable(subject.url);
  if (options.yes !== true) requireOwnMachine(subject, chosen);
  announce(workspace, subject, chosen);
  const { show, flush } = createResults(workspace);
  const mask = findingMasker(workspace);
  let made = 0;
  async function* findings(): AsyncGenerator<Finding> {
    for await (const finding of checkEndpoint(workspace, config, subject, chosen)) {
      made++;
      yield mask(finding);
    }
  }
  return runChecks(workspace, findings(), {
    show,
    flush() {
      const left = chosen.length - made;
      if (left > 0) workspace.report({ type: "warning", message: `ended early: ${counted(left, "check")} not made` });
      flush();
    },
    write: (all, seconds) => options.onEnd?.({ url: subject.url, findings: all, seconds }),
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

function announce(
  workspace: ReportingWorkspace,
  { product, format, sample, url }: Subject,
  chosen: readonly Check[],
): void {
  const hasIds = recordsOf(format, sample.data, sample.event).length > 0;
  const ids = hasIds ? ` (record ids ${SAMPLE_ORGANISATION}…)` : "";
  const lines = [
    `Checking ${maskUrl(url)}`,
    `as ${product.title} posts ${sample.event} (format ${format.id}).`,
    `Your app will act on up to ${counted(eventsOf(chosen), "sample event")}${ids}.`,
  ];
  for (const message of lines) workspace.report({ type: "notice", message });
}
