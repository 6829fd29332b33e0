/// <reference types="node" preserve="true" />
/**
 * For Express 4 and 5, Connect, NestJS and Node's own `http.createServer`.
 *
 * @module zoho-hooks/express
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MAX_BODY_BYTES } from "../delivery/delivery.ts";
import { sendReply, startInTurn } from "../receiver/http-server.ts";
import type { Admission } from "../receiver/read-body.ts";
import { drain } from "../receiver/read-body.ts";
import { answerWithinLimits, bodyLost, bodyOf, createHandler, fromCaller } from "./handle.ts";
import type { ProductId, RequestLike } from "./index.ts";

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
  const handle = fromCaller(webhook, () => createHandler(...options));
  const answer = async (request: NodeRequest, response: ServerResponse): Promise<void> => {
    const reply = await answerWithinLimits(handle, (admission) => readRequest(request, admission));
    // Not after another middleware, such as one with a time limit, has answered.
    if (!response.headersSent) sendReply(response, reply, drain(request, reply));
  };
  return (request: NodeRequest, response: ServerResponse): Promise<void> =>
    new Promise((resolve, reject) => {
      startInTurn(request, response, () => answer(request, response).then(resolve, reject));
    });
}

async function readRequest(request: NodeRequest, admission: Admission): Promise<RequestLike> {
  const { method, originalUrl = request.url, headers, body, rawBody } = request;
  // A body that is a string may have been made by a parser.
  const raw = typeof rawBody === "string" ? rawBody : [rawBody, body].find((each) => each instanceof Uint8Array);
  return { method, url: originalUrl, headers, body: raw ?? (await readUnread(request, admission)) };
}

function readUnread(request: NodeRequest, admission: Admission): Promise<Buffer> {
  if (request.readableDidRead)
    throw bodyLost(
      "put webhook() before app.use(express.json()), or keep the bytes with express.json({ verify: (req, res, bytes) => { req.rawBody = bytes; } })",
    );
  return bodyOf({ stream: request, headers: request.headers, maxBytes: MAX_BODY_BYTES, admission });
}
