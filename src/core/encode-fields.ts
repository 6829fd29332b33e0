import { createHash } from "node:crypto";
import { writeJson } from "./exact-number.ts";
import type { Encoding } from "./format-settings.ts";
import type { FieldPair } from "./payload.ts";
import type { Encoded } from "./product.ts";

/** A sample written in one of the ways that a webhook of a user's own design can be. */
export function encodeFields(data: unknown, encoding: Encoding): Encoded {
  if (encoding === "json") return { contentType: "application/json", body: Buffer.from(writeJson(data)) };
  const fields = toFields(data);
  const query = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
  if (encoding === "query") return { method: "GET", contentType: "", body: Buffer.alloc(0), query };
  return encoding === "form"
    ? { contentType: "application/x-www-form-urlencoded", body: Buffer.from(query) }
    : encodeMultipart(fields);
}

/** A list is a field for each of its elements; what has parts of its own is written as JSON. */
function toFields(data: unknown): readonly FieldPair[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [["data", writeJson(data)]];
  return Object.entries(data).flatMap(([name, value]): readonly FieldPair[] =>
    Array.isArray(value) ? value.map((each): FieldPair => [name, toText(each)]) : [[name, toText(value)]],
  );
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : writeJson(value);
}

function encodeMultipart(fields: readonly FieldPair[]): Encoded {
  // Made from the content, so that the same sample is the same bytes.
  const boundary = `zoho-hooks-${createHash("sha256").update(writeJson(fields)).digest("hex").slice(0, 24)}`;
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${partName(name)}"\r\n\r\n${value}\r\n`,
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.from(`${parts.join("")}--${boundary}--\r\n`),
  };
}

/** As browsers write it: RFC 7578 leaves no other way for a quote or a line break. */
function partName(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
