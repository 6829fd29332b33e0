import { type Delivery, mediaParameter } from "./delivery.ts";
import { utf8Text } from "./utf8.ts";

/** A body as text. Undefined when its bytes are none in the charset that the request names (UTF-8 unless it does). */
export function bodyText(delivery: Delivery): string | undefined {
  const charset = charsetOf(delivery);
  if (charset === "UTF-8") return utf8Text(delivery.body);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(delivery.body);
  } catch {
    return undefined;
  }
}

/** One that nobody knows says nothing: `null` comes from a program that has none to name. */
export function charsetOf(delivery: Delivery): string {
  const charset = mediaParameter(delivery, "charset");
  if (charset === undefined || /^utf-?8$/i.test(charset)) return "UTF-8";
  try {
    return new TextDecoder(charset).encoding.toUpperCase();
  } catch {
    return "UTF-8";
  }
}
