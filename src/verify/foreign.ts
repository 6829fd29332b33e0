import { createHash, createHmac } from "node:crypto";
import type { Secret } from "../delivery/secrets.ts";
import type { Receipt } from "../model/receipt.ts";
import { A_LIST } from "../recognition/reading.ts";
import type { InputPayload } from "./read-input.ts";

/** Recognises input that contains a payload in the format of another tool. Only where it is not an event itself. */
export function foreignInput({ delivery, inPlace }: InputPayload, receipt: Receipt): string | undefined {
  const { event, handshake, payload, schema, custom } = receipt;
  if (!inPlace || handshake !== undefined) return undefined;
  if (event !== undefined && !custom)
    return schema?.issues[0]?.received === A_LIST ? recordedData(payload?.data) : undefined;
  return encoded(delivery.body) ?? recordedText(delivery.body) ?? recordedData(payload?.data);
}

/** Bytes of the input that are examined. */
const EXAMINED_BYTES = 4000;

function encoded(body: Buffer): string | undefined {
  const start = body.toString("latin1", 0, EXAMINED_BYTES);
  if (start.startsWith("\x1f\x8b")) return "this is gzip-compressed: decompress it first";
  // A byte order mark, or a bracket of two bytes.
  if (/^(?:\xff\xfe|\xfe\xff|[{[]\0|\0[{[])/.test(start))
    return "this is UTF-16, as written by > in Windows PowerShell: save it as UTF-8";
  const isBase64 =
    !/[^\w+/=\s-]/.test(start) && /^\s*[{[]\s*["{[]/.test(Buffer.from(start, "base64").toString("latin1"));
  return isBase64 ? "this is JSON in base64: decode it first" : undefined;
}

const BODY_ALONE = "save the exact bytes of its body to a file, and pass its signature or token headers with -H";

function recordedText(body: Buffer): string | undefined {
  const start = body.toString("latin1", 0, EXAMINED_BYTES);
  if (/^\s*(?:\$\s*)?curl(?:\.exe)?\s/.test(start)) return `this is a curl command: ${BODY_ALONE}`;
  const isHead = /^(?:[\w-]{1,40}: [^\r\n]*\r?\n)+\r?\n/.test(start) && /^(?:content-|host:|user-agent:)/im.test(start);
  const isRequest = isHead || /^[A-Z]{3,7} \S+ HTTP\/[\d.]+\r?\n/.test(start);
  return isRequest ? `this is a request with its headers: ${BODY_ALONE}` : undefined;
}

function recordedData(data: unknown): string | undefined {
  if (typeof data === "string" && /^\s*[{[]/.test(data))
    return "this is JSON in a JSON string: it was serialised twice";
  if (typeof data !== "object" || data === null) return undefined;
  if (Array.isArray(data))
    return typeof data[0] === "object" && data.length > 1
      ? "this is a JSON array: verify takes one payload per line, as written by jq -c '.[]'"
      : undefined;
  const { log, body, headers } = data as Readonly<Record<string, unknown>>;
  if (typeof log === "object" && log !== null && "entries" in log)
    return `this is a HAR file with many requests: choose one, ${BODY_ALONE}`;
  const isWrapped = typeof body === "string" && typeof headers === "object" && headers !== null;
  return isWrapped ? `this is a request as logged by a gateway, with the payload in "body": ${BODY_ALONE}` : undefined;
}

const NOT_ZOHO = "no product of Zoho signs so";

/** Recognises a signature in GitHub's notation, or made with SHA-1. */
export function foreignSignature(value: string, body: Buffer, secrets: readonly Secret[]): string | undefined {
  const given = value.trim();
  if (/^sha(?:1|256)=[0-9a-f]+$/i.test(given))
    return `this is a GitHub-style signature (${given.split("=", 1)}=…): ${NOT_ZOHO}`;
  const digest = sha1Digest(given);
  if (digest === undefined) return undefined;
  if (createHash("sha1").update(body).digest().equals(digest))
    return `this is the SHA-1 of the body, which anybody can compute: ${NOT_ZOHO}`;
  const key = secrets.find((each) => createHmac("sha1", each.reveal()).update(body).digest().equals(digest));
  return key === undefined
    ? `this has the length of a SHA-1 (20 bytes): ${NOT_ZOHO}`
    : `this is the HMAC-SHA1 of the body with ${key.origin}: ${NOT_ZOHO}`;
}

function sha1Digest(text: string): Buffer | undefined {
  if (/^[0-9a-f]{40}$/i.test(text)) return Buffer.from(text, "hex");
  return /^[A-Za-z0-9+/]{27}=$/.test(text) ? Buffer.from(text, "base64") : undefined;
}
