import { curlCommand } from "../delivery/curl-command.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { maskDelivery, maskText, maskUrl } from "../delivery/mask.ts";
import type { PostResult } from "../forward/post.ts";
import { isHopByHop } from "../forward/request.ts";
import type { Sink } from "../project/context.ts";
import { rounded } from "../util/json-line.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { RequestReport, SentReport } from "./lines.ts";
import type { SendFlags } from "./plan.ts";

/** A request that is ready to be posted, made of a sample or of a delivery in the log. */
export interface OutgoingDelivery {
  /** Its number in the log, when it is replayed. */
  readonly n?: number;
  readonly product: string | undefined;
  readonly event: string | undefined;
  readonly format: string | undefined;
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
  const { method, url, body } = delivery;
  return {
    type: "sent",
    n,
    product: product ?? null,
    event: event ?? null,
    format: format ?? null,
    url,
    status: null,
    latency_ms: null,
    error: null,
    request: {
      method,
      url,
      headers: delivery.headers.filter(([name]) => !isHopByHop(name)),
      body_b64: body.toString("base64"),
      body: body.toString("utf8"),
      curl: command,
    },
    person: { showSecrets: !maskSecrets },
  };
}

/** Posts a request. A person who waits for the only one sees that it is waited for. */
export function postOne(
  sink: Pick<Sink, "waiting">,
  { delivery }: OutgoingDelivery,
  { isAlone, post }: { readonly isAlone: boolean; readonly post: () => Promise<PostResult> },
): Promise<PostResult> {
  return isAlone ? sink.waiting(`waiting for ${new URL(delivery.url).host} to answer`, post) : post();
}

interface SentFacts extends Pick<SentReport["person"], "isExpected" | "isModelled"> {
  readonly error: string | undefined;
  /** How to fix a failure. */
  readonly hint: string | undefined;
  readonly showSecrets?: boolean;
}

/** The result of one request. An app's error page may repeat the token, so its answer is masked as the request is. */
export function sentReport(
  { knownSecrets }: Workspace,
  { n, product, event, format, delivery, notes, secretFieldNames }: OutgoingDelivery,
  { status, latencyMs, replyPreview: reply }: PostResult,
  { showSecrets = false, error, hint, isExpected, isModelled }: SentFacts,
): SentReport {
  return {
    type: "sent",
    n,
    product: product ?? null,
    event: event ?? null,
    format: format ?? null,
    url: showSecrets ? delivery.url : maskUrl(delivery.url, secretFieldNames),
    status: status ?? null,
    latency_ms: rounded(latencyMs),
    error: error ?? null,
    hint: hint ?? null,
    reply: showSecrets ? reply : maskText(knownSecrets.maskCut(reply), secretFieldNames),
    notes,
    person: { bytes: delivery.body.length, isExpected, isModelled },
  };
}
