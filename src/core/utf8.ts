import { isUtf8 } from "node:buffer";

/** Bytes as text, without a byte order mark; undefined where they are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}
