import { problemText } from "../delivery/payload.ts";
import { plainReply, type Reply } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import { nearestText } from "../model/receipt.ts";
import { issueWithoutValue } from "../model/schema.ts";

export interface ReplyPolicy {
  /** For a body that does not match its schema: `enforce` rejects it, `warn` accepts it, `off` does not check. */
  readonly schema: "warn" | "enforce" | "off";
  /** For a failed proof. */
  readonly onInvalid: "reject" | "warn";
}

/** The response to a delivery, and why it was rejected. */
export interface Decision {
  readonly reply: Reply;
  readonly accepted: boolean;
  readonly reason: string | undefined;
}

/** The response is always short and clear, never a stack, a secret or a value of the body. */
export function decideReply(receipt: Receipt, policy: ReplyPolicy): Decision {
  const { handshake, problem, verdicts } = receipt;
  const rejects = policy.onInvalid === "reject";
  // Checked before the handshake; 403 since other credentials would not help.
  const outsider = verdicts.find(({ id, verdict }) => id === "source-address" && verdict === "failed");
  if (outsider !== undefined && rejects) return refuse(403, `${outsider.id}: ${outsider.reason}`);
  if (handshake !== undefined) return { reply: handshake, accepted: true, reason: undefined };
  if (problem !== undefined) return refuse(problem.status, problemText(problem));
  // Without a product no proof can be required: accepting would let anything in unsigned.
  if (receipt.product === undefined) {
    const closest = receipt.nearest === undefined ? "" : ` (closest: ${nearestText(receipt.nearest)})`;
    return refuse(
      404,
      `no known product sends a body like this${closest}: to name its product, post it to /webhooks/zoho/<product>`,
    );
  }
  const failed = verdicts.find((verdict) => verdict.verdict === "failed");
  if (failed !== undefined && rejects) return refuse(401, `${failed.id}: ${failed.reason}`);
  if (policy.schema === "enforce" && receipt.format === undefined)
    return refuse(422, `the body is not an event of ${receipt.product}`);
  const [issue] = receipt.schema?.issues ?? [];
  if (issue !== undefined && policy.schema === "enforce") {
    return refuse(422, `the event of ${receipt.product} does not match its schema: ${issueWithoutValue(issue)}`);
  }
  return { reply: plainReply(200, "OK"), accepted: true, reason: undefined };
}

export function refuse(status: number, reason: string): Decision {
  return { reply: plainReply(status, reason), accepted: false, reason };
}

/** The answer of `listen` to a delivery that it could not record: a 503 that is not the app's. */
export const NOT_RECORDED = "the delivery could not be stored; send it again later";
