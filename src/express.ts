/// <reference types="node" preserve="true" />
/**
 * For Express 4 and 5, Connect, NestJS and Node's own `http.createServer`.
 *
 * @module zoho-hooks/express
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MAX_BODY_BYTES } from "./body/delivery.ts";
import type { ProductId, RequestLike } from "./index.ts";
import { bodyLost, createHandler, RequestError, requestAborted } from "./library/handle.ts";
import { sendReply } from "./receiver/respond.ts";

/** A request of Express, or of Node. */
interface NodeRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly body?: unknown;
  /** The exact bytes, as NestJS, Firebase and `express.json({ verify })` keep them, or their text. */
  readonly rawBody?: unknown;
}

/**
 * `app.post("/webhooks/zoho/crm", webhook("crm", keys, async (event) => { … }))`, before any body parser: it reads the raw body
 * itself, up to 1 MiB (else 413). Arguments, answers and errors as for `createHandler`; a body that was parsed before is answered
 * 500, unless a parser has kept its bytes as `request.rawBody`.
 */
export function webhook<P extends ProductId>(...options: Parameters<typeof createHandler<P>>) {
  const handle = createHandler(...options);
  return async (request: NodeRequest, response: ServerResponse): Promise<void> => {
    const reply = await handle(readRequest(request));
    // Not after another middleware, such as one with a time limit, has answered.
    if (!response.headersSent) sendReply(response, reply);
  };
}

async function readRequest(request: NodeRequest): Promise<RequestLike> {
  const { method, originalUrl = request.url, headers, body, rawBody } = request;
  // A body that is a string may have been made by a parser.
  const raw = typeof rawBody === "string" ? rawBody : [rawBody, body].find((each) => each instanceof Uint8Array);
  return { method, url: originalUrl, headers, body: raw ?? (await readBody(request)) };
}

async function readBody(request: NodeRequest): Promise<Buffer> {
  if (request.readableDidRead)
    throw bodyLost(
      "put webhook() before app.use(express.json()), or keep the bytes with express.json({ verify: (req, res, bytes) => { req.rawBody = bytes; } })",
    );
  const chunks: Buffer[] = [];
  let length = 0;
  // Read to its end in any case: a sender that is still writing would not see the answer.
  try {
    for await (const chunk of request) {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    }
  } catch {
    throw requestAborted();
  }
  if (length > MAX_BODY_BYTES) throw new RequestError(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks);
}
