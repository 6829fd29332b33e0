import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { runningAddress } from "../history/running-listener.ts";
import type { Config } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { addedWarner } from "./added-members.ts";
import { deliver } from "./deliver.ts";
import { requireFaults } from "./faults.ts";
import type { SendReport } from "./lines.ts";
import { requestReport } from "./outgoing.ts";
import { goesToListener, readPlan, type SendFlags, type SendPlan } from "./plan.ts";
import { sampleDeliveries } from "./sample-deliveries.ts";
import { readSources, type Source } from "./sources.ts";

export async function send(
  workspace: ReportingWorkspace<SendReport>,
  product: string | undefined,
  event: string | undefined,
  options: SendFlags,
): Promise<ExitCode> {
  const plan = readPlan(product, event, options);
  const configured = { ...workspace.config, secrets: workspace.secrets() };
  await rememberChannelTokens(workspace, configured);
  const config = await atRunningListener(workspace, plan, configured);
  const sources = requireFaults(plan, await readSources(workspace, plan, config));
  const warnOfAdded = addedWarner(workspace, plan);
  for (const { body } of sources) warnOfAdded(body);
  if (plan.dryRun || plan.curl) return showRequests(workspace, plan, config, sources);
  for (const { url } of sources) workspace.requireReachable(url);
  return deliver(workspace, plan, config, sources);
}

/**
 * Without a target, the settings get the address of the `listen` that runs in this project, whose port may differ. Never its
 * public URL: a sample does not leave this machine unasked.
 */
async function atRunningListener(workspace: ReportingWorkspace, plan: SendPlan, config: Config): Promise<Config> {
  if (!goesToListener(plan)) return config;
  const running = await runningAddress(workspace);
  if (running === undefined) return config;
  workspace.report({ type: "notice", message: `sending to this project's running listen: ${running.url}` });
  const { host, port } = running;
  return { ...config, settings: { ...config.settings, host, port } };
}

/** `--dry-run` and `--curl` print requests that can be used, so with their secrets. */
function showRequests(
  workspace: ReportingWorkspace<SendReport>,
  plan: SendPlan,
  config: Config,
  sources: readonly Source[],
): ExitCode {
  const noted = new Set<string>();
  for (const outgoing of sampleDeliveries(workspace, plan, config, sources)) {
    if (workspace.signal.aborted) break;
    for (const note of outgoing.notes) if (!noted.has(note)) workspace.report({ type: "notice", message: note });
    for (const note of outgoing.notes) noted.add(note);
    workspace.report(requestReport(outgoing, plan));
  }
  return ExitCode.ok;
}
