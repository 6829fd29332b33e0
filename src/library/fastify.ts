/// <reference types="node" preserve="true" />
/**
 * For Fastify 5.
 *
 * @module zoho-hooks/fastify
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Admission } from "../receiver/read-body.ts";
import { drain } from "../receiver/read-body.ts";
import { answerWithinLimits, bodyOf, createHandler, fromCaller, replyHeaders } from "./handle.ts";
import type { ProductId } from "./index.ts";

/** The part of Fastify that is used. */
interface App {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: Readable, done: (error: null, body: Readable) => void) => void,
  ): unknown;
  all(path: string, handler: (request: AppRequest, reply: AppReply) => Promise<unknown>): unknown;
}

interface AppRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly bodyLimit: number };
}

interface AppReply {
  code(status: number): AppReply;
  headers(headers: Record<string, string>): AppReply;
  send(body: string | Buffer): unknown;
}

/**
 * `app.register(webhook("crm", keys, async (event) => { … }), { prefix: "/webhooks/zoho/crm" })`: a plugin with a route at its
 * prefix and a parser of its own, so other routes keep theirs. It reads a body up to the app's `bodyLimit` (else 413).
 * Arguments, answers and errors as for `createHandler`.
 */
export function webhook<P extends ProductId>(...options: Parameters<typeof createHandler<P>>) {
  const handle = fromCaller(webhook, () => createHandler(...options));
  return async (app: App): Promise<void> => {
    app.removeAllContentTypeParsers();
    // The route reads it.
    app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    app.all("/", async (request, reply) => {
      const answer = await answerWithinLimits(handle, (admission) => readRequest(request, admission));
      reply.code(answer.status).headers(replyHeaders(answer));
      if (isUnread(request)) {
        // Otherwise the next request of this connection would wait behind the rest of the body.
        reply.headers({ connection: "close" });
        await drain(request.raw, answer);
      }
      return reply.send(answer.body);
    });
  };
}

/** Not by `raw.complete`, which the requests of `app.inject` lack. */
function isUnread({ body }: AppRequest): boolean {
  return body instanceof Readable && !body.readableEnded;
}

async function readRequest(
  { method, originalUrl: url, headers, body, routeOptions }: AppRequest,
  admission: Admission,
) {
  // Without a body Fastify calls no parser.
  if (!(body instanceof Readable)) return { method, url, headers, body: "" };
  const bytes = await bodyOf({ stream: body, headers, maxBytes: routeOptions.bodyLimit, admission });
  return { method, url, headers, body: bytes };
}
