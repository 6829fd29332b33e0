import { randomBytes } from "node:crypto";
import { isSecretName, MASK, maskBody } from "../core/mask.ts";

/** A form as `multipart/form-data` (RFC 7578). Names are ours, and need no quoting. */
export function multipartBody(fields: Readonly<Record<string, string>>): {
  readonly contentType: string;
  readonly body: string;
} {
  const boundary = `zoho-hooks-${randomBytes(12).toString("hex")}`;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: `${parts.join("")}--${boundary}--\r\n` };
}

/** The same to be looked at, a field a line: JSON within a field has its own secrets. */
export function maskedParts(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${isSecretName(name) ? MASK : maskedValue(value)}`)
    .join("\n");
}

function maskedValue(value: string): string {
  return value.startsWith("{") ? maskBody(Buffer.from(value), "application/json").toString("utf8") : value;
}
