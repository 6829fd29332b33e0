import type { Delivery } from "../../core/delivery.ts";
import type { Payload } from "../../core/payload.ts";
import type { Probe, Reply } from "../../core/product.ts";

export const HEAD: Probe = { method: "HEAD", contentType: "", body: Buffer.alloc(0) };

/** Before SalesIQ saves a URL it sends a HEAD request there and wants 200. */
export function answerHead(_payload: Payload, delivery: Delivery): Reply | undefined {
  return delivery.method === "HEAD" ? { status: 200, contentType: "text/plain; charset=utf-8", body: "" } : undefined;
}
