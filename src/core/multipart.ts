import type { FieldPair } from "./payload.ts";

export type MultipartResult =
  | { readonly ok: true; readonly fields: readonly FieldPair[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The fields of a multipart/form-data body (RFC 7578), in order. A file's content is told by its name and length only:
 * this is a view for people and schemas, the bytes themselves are kept elsewhere as they came.
 */
export function parseMultipart(body: Buffer, boundary: string): MultipartResult {
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  const fields: FieldPair[] = [];
  let at = body.indexOf(delimiter);
  if (at === -1) return { ok: false, reason: "its boundary does not occur in the body" };
  for (;;) {
    at += delimiter.length;
    if (body.subarray(at, at + 2).toString("latin1") === "--") return { ok: true, fields };
    const next = body.indexOf(Buffer.concat([Buffer.from("\r\n"), delimiter]), at);
    if (next === -1) return { ok: false, reason: "its closing boundary is missing" };
    const headersEnd = body.indexOf("\r\n\r\n", at);
    if (headersEnd === -1 || headersEnd > next) return { ok: false, reason: "a part has no headers" };
    const headers = body.subarray(at, headersEnd).toString("utf8");
    const content = body.subarray(headersEnd + 4, Math.max(next, headersEnd + 4));
    const name = parameter(headers, "name");
    if (name === undefined) return { ok: false, reason: "a part has no name" };
    const file = parameter(headers, "filename");
    fields.push([name, file === undefined ? content.toString("utf8") : `[file ${file}, ${content.length} bytes]`]);
    at = next + 2;
  }
}

function parameter(headers: string, name: string): string | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1];
  if (disposition === undefined) return undefined;
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, "i").exec(disposition);
  return match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2];
}
