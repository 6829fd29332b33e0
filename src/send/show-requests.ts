import { curlCommand } from "../delivery/curl-command.ts";
import { chosenNames, maskDelivery } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import type { SendPlan } from "./plan.ts";
import type { RequestReport } from "./reports.ts";
import { type Shipment, shipments } from "./shipments.ts";
import type { Subject } from "./subjects.ts";

/** `--dry-run` and `--curl`. */
export async function showRequests(
  context: Context,
  plan: SendPlan,
  config: Config,
  subjects: readonly Subject[],
): Promise<ExitCode> {
  const noted = new Set<string>();
  for (const shipment of shipments(context, plan, config, subjects)) {
    if (context.signal.aborted) break;
    for (const note of shipment.notes.filter((each) => !noted.has(each))) {
      noted.add(note);
      context.report({ type: "notice", message: note });
    }
    context.report(requestReport(shipment, plan));
  }
  return ExitCode.ok;
}

/** `--dry-run` and `--curl` print requests that can be used, so with their secrets. */
export function requestReport({ subject, delivery: sent }: Shipment, plan: SendPlan): RequestReport {
  const delivery = plan.maskSecrets ? maskDelivery(sent, chosenNames(subject.format.proofs)) : sent;
  return {
    type: "request",
    product: subject.product.id,
    event: subject.event,
    format: subject.format.id,
    method: delivery.method,
    url: delivery.url,
    headers: delivery.headers,
    body: delivery.body,
    curl: plan.curl ? curlCommand(delivery, { insecure: plan.insecure }) : undefined,
    showSecrets: plan.maskSecrets !== true,
  };
}
