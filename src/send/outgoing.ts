import { curlCommand } from "../delivery/curl-command.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { maskDelivery, maskText, maskUrl } from "../delivery/mask.ts";
import type { PostResult } from "../forward/post.ts";
import { isHopByHop } from "../forward/request.ts";
import type { Sink } from "../project/context.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { SendFlags } from "./plan.ts";
import type { RequestEvent, RequestReport, SentReport } from "./reports.ts";

/** A request that is ready to be posted, made of a sample or of a delivery in the log. */
export interface OutgoingDelivery extends RequestEvent {
  readonly delivery: Delivery;
  /** How it was changed, signed or broken, for a person. */
  readonly notes: readonly string[];
  /** Names under which its format has a secret. */
  readonly secretFieldNames: readonly string[];
}

/** The request as it would be sent. With `curl`, as the command that sends it. */
export function requestReport(
  { n, product, event, format, delivery: sent, secretFieldNames }: OutgoingDelivery,
  { maskSecrets = false, curl = false, insecure = false }: Pick<SendFlags, "maskSecrets" | "curl" | "insecure">,
): RequestReport {
  const delivery = maskSecrets ? maskDelivery(sent, secretFieldNames) : sent;
  const command = curl ? curlCommand(delivery, { insecure }) : undefined;
  const headers = delivery.headers.filter(([name]) => !isHopByHop(name));
  return { type: "request", n, product, event, format, ...delivery, headers, curl: command, showSecrets: !maskSecrets };
}

/** Posts a request. A person who waits for the only one sees that it is waited for. */
export function postOne(
  sink: Pick<Sink, "waiting">,
  { delivery }: OutgoingDelivery,
  { isAlone, post }: { readonly isAlone: boolean; readonly post: () => Promise<PostResult> },
): Promise<PostResult> {
  return isAlone ? sink.waiting(`waiting for ${new URL(delivery.url).host} to answer`, post) : post();
}

interface SentFacts extends Pick<SentReport, "error" | "hint" | "isExpected" | "isModelled"> {
  readonly showSecrets?: boolean;
}

/** The result of one request. An app's error page may repeat the token, so its answer is masked as the request is. */
export function sentReport(
  { knownSecrets }: Workspace,
  { n, product, event, format, delivery, notes, secretFieldNames }: OutgoingDelivery,
  { status, latencyMs, replyPreview: reply }: PostResult,
  { showSecrets = false, ...rest }: SentFacts,
): SentReport {
  const url = showSecrets ? delivery.url : maskUrl(delivery.url, secretFieldNames);
  const replyPreview = showSecrets ? reply : maskText(knownSecrets.maskCut(reply), secretFieldNames);
  const bytes = delivery.body.length;
  return { type: "sent", n, product, event, format, url, status, latencyMs, replyPreview, notes, bytes, ...rest };
}
