/// <reference types="node" preserve="true" />
/**
 * For Fastify 5.
 *
 * @module zoho-hooks/fastify
 */
import type { IncomingHttpHeaders } from "node:http";
import type { ProductId } from "./index.ts";
import { createHandler, replyHeaders } from "./library/handle.ts";

/** The part of Fastify that is used. */
interface App {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: { readonly parseAs: "buffer" },
    parser: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  all(path: string, handler: (request: AppRequest, reply: AppReply) => Promise<unknown>): unknown;
}

interface AppRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

interface AppReply {
  code(status: number): AppReply;
  headers(headers: Record<string, string>): AppReply;
  send(body: string | Buffer): unknown;
}

/**
 * `app.register(webhook("crm", keys, async (event) => { … }), { prefix: "/webhooks/zoho/crm" })`: a plugin with a route at its
 * prefix and a parser of its own, so other routes keep theirs. Arguments, answers and errors as for `createHandler`.
 */
export function webhook<P extends ProductId>(...options: Parameters<typeof createHandler<P>>) {
  const handle = createHandler(...options);
  return async (app: App): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.all("/", async ({ method, originalUrl: url, headers, body }, reply) => {
      // The parser above gives a Buffer, or nothing for a request without a body.
      const answer = await handle({ method, url, headers, body: Buffer.isBuffer(body) ? body : "" });
      return reply.code(answer.status).headers(replyHeaders(answer)).send(answer.body);
    });
  };
}
