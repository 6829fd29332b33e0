import { isUtf8 } from "node:buffer";
import { parameterOf } from "./delivery.ts";
import { type BodyEdit, rewriteText } from "./rewrite-text.ts";

/**
 * A copy of a body with some values replaced; layout, order, digits and all other bytes stay. A body that is neither JSON nor a
 * form is searched for names with values, so that secrets are found in broken JSON and in plain text, too.
 */
export function rewriteBody(body: Buffer, contentType: string, edit: BodyEdit): Buffer {
  const wide = rewriteWide(body, contentType, (text) => rewriteText(text, contentType, edit));
  // Where nothing was found, the charset may be wrong: search the plain bytes as well.
  if (wide !== undefined && !wide.equals(body)) return wide;
  // Latin-1, in which every byte is a character, preserves bytes that are not UTF-8.
  const encoding = isUtf8(body) ? "utf8" : "latin1";
  const text = body.toString(encoding);
  const rewritten = rewriteText(text, contentType, edit);
  return rewritten === text ? body : Buffer.from(rewritten, encoding);
}

type WideEncoding = "utf-16le" | "utf-16be";

/** UTF-16, in which names are not found by their ASCII bytes, by byte order mark or charset. */
function wideEncoding(body: Buffer, contentType: string): WideEncoding | undefined {
  // Each part has its own charset.
  if (/^multipart\//i.test(contentType)) return undefined;
  const start = body.subarray(0, 2).toString("hex");
  if (start === "feff") return "utf-16be";
  if (start === "fffe") return "utf-16le";
  const charset = parameterOf(contentType, "charset");
  if (charset === undefined || /^utf-?8$/i.test(charset)) return undefined;
  try {
    const { encoding } = new TextDecoder(charset);
    return encoding === "utf-16le" || encoding === "utf-16be" ? encoding : undefined;
  } catch {
    return undefined;
  }
}

/** A copy of a body in UTF-16 with its text rewritten; undefined for other encodings. */
function rewriteWide(body: Buffer, contentType: string, rewrite: (text: string) => string): Buffer | undefined {
  const encoding = wideEncoding(body, contentType);
  if (encoding === undefined) return undefined;
  const swapped = (bytes: Buffer): Buffer => (encoding === "utf-16be" ? Buffer.from(bytes).swap16() : bytes);
  const even = body.length - (body.length % 2);
  const text = swapped(body.subarray(0, even)).toString("utf16le");
  const mark = text.startsWith("\uFEFF") ? 1 : 0;
  const rewritten = text.slice(0, mark) + rewrite(text.slice(mark));
  return Buffer.concat([swapped(Buffer.from(rewritten, "utf16le")), body.subarray(even)]);
}
