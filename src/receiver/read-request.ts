import type { IncomingMessage } from "node:http";
import { type Delivery, type HeaderPair, headerValue } from "../core/delivery.ts";

export type ReadResult =
  | { readonly ok: true; readonly delivery: Delivery }
  | { readonly ok: false; readonly delivery: Delivery; readonly status: 413; readonly reason: string };

/**
 * Reads a request to its end as exact bytes. Rejects when the sender goes away before that.
 * Past `maxBytes` reading stops and what came is dropped: a 413 needs no body.
 */
export async function readRequest(request: IncomingMessage, maxBytes: number): Promise<ReadResult> {
  const headers = headerPairs(request.rawHeaders);
  const tooLarge = (): ReadResult => ({
    ok: false,
    delivery: toDelivery(request, headers, Buffer.alloc(0)),
    status: 413,
    reason: `the body is larger than ${maxBytes} bytes (--max-body)`,
  });
  if (Number(headerValue({ headers }, "content-length")) > maxBytes) return tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) resolve(tooLarge());
      else chunks.push(chunk);
    });
    request.on("end", () => {
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      resolve({ ok: true, delivery: toDelivery(request, headers, body) });
    });
    const broken = (): void => reject(new Error(`the connection was closed after ${length} bytes of the body`));
    request.on("error", broken);
    request.on("close", () => {
      if (!request.complete) broken();
    });
  });
}

function toDelivery({ method, url }: IncomingMessage, headers: readonly HeaderPair[], body: Buffer): Delivery {
  return { method: method ?? "GET", url: url ?? "/", headers, body };
}

/** Not from `request.headers`, which has neither order nor repeats, and is made only when it is asked for. */
function headerPairs(raw: readonly string[]): readonly HeaderPair[] {
  const headers: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  return headers;
}
