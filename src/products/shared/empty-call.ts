import type { Delivery } from "../../core/delivery.ts";
import { isEmpty, type Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/product.ts";
import { plainReply } from "../../core/reply.ts";

/** The answer to a look whether anybody is there: a request by another method than POST, or an empty one. */
export function answerProbe(payload: Payload, { method }: Delivery): Reply | undefined {
  return method !== "POST" || isEmpty(payload) ? plainReply(200, "OK") : undefined;
}
