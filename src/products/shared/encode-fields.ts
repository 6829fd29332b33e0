import { createHash } from "node:crypto";
import type { FieldPair } from "../../delivery/payload.ts";
import type { Encoding } from "../../model/format-settings.ts";
import type { Encoded } from "../../model/product.ts";
import { writeJson } from "../../util/json.ts";

/** Encodes a sample as a custom webhook does. */
export function encodeFields(data: unknown, encoding: Encoding): Encoded {
  if (encoding === "json") return { contentType: "application/json", body: Buffer.from(writeJson(data)) };
  const fields = toFields(data);
  const query = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
  if (encoding === "query") return { method: "GET", contentType: "", body: Buffer.alloc(0), query };
  return encoding === "form"
    ? { contentType: "application/x-www-form-urlencoded", body: Buffer.from(query) }
    : encodeMultipart(fields);
}

/** A list becomes a field for each element; other nested values are written as JSON. */
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
  // Derived from the content, so that the same sample gives the same bytes.
  const boundary = `zoho-hooks-${createHash("sha256").update(writeJson(fields)).digest("hex").slice(0, 24)}`;
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${partName(name)}"\r\n\r\n${value}\r\n`,
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.from(`${parts.join("")}--${boundary}--\r\n`),
  };
}

/** Escaped as browsers do: RFC 7578 leaves no other way for a quote or a line break. */
function partName(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
