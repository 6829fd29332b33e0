import { parameterOf } from "./delivery.ts";

type WideEncoding = "utf-16le" | "utf-16be";

/** Of a text in which a name is not where its ASCII bytes are; without a word on it by its byte order mark. */
function wideEncoding(body: Buffer, contentType: string): WideEncoding | undefined {
  // Its parts are in charsets of their own.
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

/** A copy of a body in UTF-16 with its text rewritten; undefined for one in which names are where their ASCII bytes are. */
export function rewriteWide(body: Buffer, contentType: string, rewrite: (text: string) => string): Buffer | undefined {
  const encoding = wideEncoding(body, contentType);
  if (encoding === undefined) return undefined;
  const swapped = (bytes: Buffer): Buffer => (encoding === "utf-16be" ? Buffer.from(bytes).swap16() : bytes);
  const even = body.length - (body.length % 2);
  const text = swapped(body.subarray(0, even)).toString("utf16le");
  const mark = text.startsWith("\uFEFF") ? 1 : 0;
  const rewritten = text.slice(0, mark) + rewrite(text.slice(mark));
  return Buffer.concat([swapped(Buffer.from(rewritten, "utf16le")), body.subarray(even)]);
}
