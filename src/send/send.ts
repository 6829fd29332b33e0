import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { runningAddress } from "../events/running-listener.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import { addedWarner } from "./added-members.ts";
import { deliver } from "./deliver.ts";
import { requireFaults } from "./faults.ts";
import { requestReport } from "./outgoing.ts";
import { goesToListener, readPlan, type SendFlags, type SendPlan } from "./plan.ts";
import { sampleDeliveries } from "./sample-deliveries.ts";
import { readSources, type Source } from "./sources.ts";

export async function send(
  context: Context,
  product: string | undefined,
  event: string | undefined,
  options: SendFlags,
): Promise<ExitCode> {
  const plan = readPlan(product, event, options);
  const configured = loadConfig(context, { needsSecrets: true });
  await rememberChannelTokens(context, configured);
  const config = await atRunningListener(context, plan, configured);
  const sources = requireFaults(plan, await readSources(context, plan, config));
  const warnOfAdded = addedWarner(context, plan);
  for (const { body } of sources) warnOfAdded(body);
  if (plan.dryRun || plan.curl) return showRequests(context, plan, config, sources);
  for (const { url } of sources) plan.requireReachable?.(url);
  return deliver(context, plan, config, sources);
}

/**
 * Without a target, the settings get the address of the `listen` that runs in this project, whose port may differ. Never its
 * public URL: a sample does not leave this machine unasked.
 */
async function atRunningListener(context: Context, plan: SendPlan, config: Config): Promise<Config> {
  if (!goesToListener(plan)) return config;
  const running = await runningAddress(context, config);
  if (running === undefined) return config;
  context.report({ type: "notice", message: `sending to this project's running listen: ${running.url}` });
  const { host, port } = running;
  return { ...config, settings: { ...config.settings, host, port } };
}

/** `--dry-run` and `--curl` print requests that can be used, so with their secrets. */
function showRequests(context: Context, plan: SendPlan, config: Config, sources: readonly Source[]): ExitCode {
  const noted = new Set<string>();
  for (const outgoing of sampleDeliveries(context, plan, config, sources)) {
    if (context.signal.aborted) break;
    for (const note of outgoing.notes) if (!noted.has(note)) context.report({ type: "notice", message: note });
    for (const note of outgoing.notes) noted.add(note);
    context.report(requestReport(outgoing, plan));
  }
  return ExitCode.ok;
}
