import { isUtf8 } from "node:buffer";
import type { ProductLine } from "../own-products/lines.ts";
import { isRecord } from "../util/json.ts";
import type { JsonLine } from "../util/text.ts";

/** A product with the names of its events alone. */
export function withEventNames(line: JsonLine): JsonLine {
  if (line.type !== "product") return line;
  const { id, title, formats } = line;
  const short = (formats as ProductLine["formats"]).map(({ id: format, events, signatures }) => ({
    id: format,
    events: events.map(({ name }) => name),
    signatures: signatures.map((signature) => signature.id),
  }));
  return { id, title, formats: short };
}

/**
 * An event with its body once: as its exact text; as what was read of it where the text is encoded (a form) or not UTF-8; or
 * else in base64.
 */
export function withBodyOnce(line: JsonLine): JsonLine {
  const { body, body_b64 } = line;
  if (typeof body_b64 !== "string") return line;
  const bytes = Buffer.from(body_b64, "base64");
  const text = isUtf8(bytes) ? bytes.toString() : "";
  if (text !== "" && (!isRecord(body) || /^\s*[{[]/.test(text))) return { ...withoutBody(line), body_text: text };
  return { ...withoutBody(line), ...(body === null ? { body_b64 } : { body }) };
}

export function withoutBody({ body, body_b64, ...line }: JsonLine): JsonLine {
  return line;
}

/** For lines that are all of one type, which the tool's name says. */
export function withoutType(line: JsonLine): JsonLine {
  const { v, type, ...others } = line;
  return type === "warning" ? line : others;
}
