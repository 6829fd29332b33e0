import type { Delivery } from "../../core/delivery.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/product.ts";

/** Before SalesIQ saves a URL it sends a HEAD request there and wants 200. */
export function answerHead(_payload: Payload, delivery: Delivery): Reply | undefined {
  return delivery.method === "HEAD" ? { status: 200, contentType: "text/plain; charset=utf-8", body: "" } : undefined;
}
