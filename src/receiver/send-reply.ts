import type { ServerResponse } from "node:http";
import type { Reply } from "../core/product.ts";

/** These have no body, and so no length (RFC 9110, section 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Writes an answer, whole. It ends, and with it a connection that is not kept, no sooner than `until` resolves. */
export function sendReply(response: ServerResponse, reply: Reply, until?: Promise<void>): void {
  const { status, contentType, body } = reply;
  // A text goes out in one piece with the head, bytes in a second one.
  const sent = WITHOUT_BODY.has(status) ? "" : body;
  const headers: string[] = [];
  for (const [name, value] of reply.headers ?? []) headers.push(name, value);
  if (contentType !== "") headers.push("content-type", contentType);
  if (!WITHOUT_BODY.has(status)) headers.push("content-length", String(Buffer.byteLength(sent)));
  if (status === 413) headers.push("connection", "close");
  response.writeHead(status, headers);
  if (until === undefined) response.end(sent);
  else {
    response.write(sent);
    void until.then(() => response.end());
  }
}
