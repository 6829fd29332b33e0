import type { Delivery } from "../core/delivery.ts";
import { isEmpty } from "../core/payload.ts";
import { acceptsMethod, type Limits, type Product } from "../core/product.ts";
import { emptyReceipt, type Receipt, receive } from "../core/receive.ts";
import { type Decision, decideReply, type ReplyPolicy, refuse } from "../core/reply.ts";
import type { Secrets } from "../core/secret.ts";
import { judgeOffer, type SecretOffer } from "../core/secret-offer.ts";
import { type AddressList, judgeAddress } from "./address-list.ts";
import { PAGE_REASON } from "./from-page.ts";
import type { WebhookRoute } from "./route.ts";

export interface JudgeOptions {
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly policy: ReplyPolicy;
  readonly limits?: Limits | undefined;
  /** Undefined to take deliveries from anywhere. */
  readonly allowed: AddressList | undefined;
}

export interface Arrival {
  readonly delivery: Delivery;
  /** The peer's address, or what the tunnel says of it. */
  readonly address: string | undefined;
  /** A page in a browser has sent it, to this machine itself. */
  readonly isFromPage: boolean;
  readonly at: Date;
}

export interface Judgement {
  readonly receipt: Receipt;
  readonly decision: Decision;
  /** A secret that came with the delivery and is to be kept before it is answered. */
  readonly toKeep?: Extract<SecretOffer, { action: "keep" }> | undefined;
}

/** What a delivery is and how it is answered: by its path, its sender, its method, its address, then by itself. Pure. */
export function judge(
  { delivery, address, isFromPage, at }: Arrival,
  found: WebhookRoute,
  options: JudgeOptions,
): Judgement {
  const { products, secrets, policy, allowed } = options;
  if (found.kind === "unknown") return { receipt: emptyReceipt, decision: refuse(404, found.reason) };
  const product = found.product?.id;
  // Whatever the policy: a secret that it hands over would be kept, and what it says is nobody's delivery.
  if (isFromPage) return { receipt: { ...emptyReceipt, product }, decision: refuse(403, PAGE_REASON) };
  const expected = found.product === undefined ? products : [found.product];
  if (!expected.some(({ formats }) => formats.some((format) => acceptsMethod(format, delivery.method))))
    return { receipt: { ...emptyReceipt, product }, decision: refuseMethod(delivery.method, expected) };
  const source = allowed === undefined ? [] : [judgeAddress(allowed, address)];
  const receipt = receive({
    products,
    product: found.product,
    delivery,
    secrets,
    now: at,
    schemas: policy.schema !== "off",
    limits: options.limits,
  });
  // A probe that nobody answers to, by a method that some other format comes by.
  const isProbe = found.product === undefined || receipt.payload === undefined || isEmpty(receipt.payload);
  if (delivery.method !== "POST" && isProbe && receipt.handshake === undefined && receipt.format === undefined)
    return { receipt, decision: refuseMethod(delivery.method, expected) };
  const complete = source.length === 0 ? receipt : { ...receipt, verdicts: [...source, ...receipt.verdicts] };
  const decision = decideReply(complete, policy);
  const offer =
    receipt.payload === undefined ? undefined : judgeOffer(expected, delivery, receipt.payload, secrets, at);
  if (offer?.action === "refuse") return { receipt: complete, decision: refuse(401, offer.reason) };
  return { receipt: complete, decision, toKeep: decision.accepted ? offer : undefined };
}

function refuseMethod(method: string, products: readonly Product[]): Decision {
  const others = products.flatMap(({ formats }) => formats.flatMap((format) => format.methods ?? []));
  const { reply, ...decision } = refuse(405, `${method} is not allowed: Zoho's webhooks are posted`);
  return { ...decision, reply: { ...reply, headers: [["allow", [...new Set(["POST", ...others])].join(", ")]] } };
}
