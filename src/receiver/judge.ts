import type { Delivery } from "../core/delivery.ts";
import type { Product } from "../core/product.ts";
import { emptyReceipt, type Receipt, receive } from "../core/receive.ts";
import { type Decision, decideReply, type ReplyPolicy, refuse } from "../core/reply.ts";
import type { Secrets } from "../core/secret.ts";
import { type AddressList, judgeAddress } from "./address-list.ts";
import type { WebhookRoute } from "./route.ts";

export interface JudgeOptions {
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly policy: ReplyPolicy;
  /** Undefined to take deliveries from anywhere. */
  readonly allowed: AddressList | undefined;
}

export interface Arrival {
  readonly delivery: Delivery;
  /** The peer's address, or what the tunnel says of it. */
  readonly address: string | undefined;
  readonly at: Date;
}

export interface Judgement {
  readonly receipt: Receipt;
  readonly decision: Decision;
}

/** What a delivery is and how it is answered: by its path, its method, its address, then by itself. Pure. */
export function judge({ delivery, address, at }: Arrival, found: WebhookRoute, options: JudgeOptions): Judgement {
  const { products, secrets, policy, allowed } = options;
  if (found.kind === "unknown") return { receipt: emptyReceipt, decision: refuse(404, found.reason) };
  const product = found.product?.id;
  if (delivery.method !== "POST") {
    const reason = `${delivery.method} is not allowed: Zoho's webhooks are posted`;
    return { receipt: { ...emptyReceipt, product }, decision: refuse(405, reason) };
  }
  const source = allowed === undefined ? [] : [judgeAddress(allowed, address)];
  const receipt = receive({
    products,
    product: found.product,
    delivery,
    secrets,
    now: at,
    schemas: policy.schema !== "off",
  });
  const complete = { ...receipt, verdicts: [...source, ...receipt.verdicts] };
  return { receipt: complete, decision: decideReply(complete, policy) };
}
