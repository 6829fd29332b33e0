/** Signed requests with ids of their own, as bytes for a socket. */
import { createHmac, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

const template = JSON.parse(
  readFileSync(new URL("../../fixtures/crm/guide/Leads.create.json", import.meta.url), "utf8"),
);
const { ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;
const first = randomInt(1e6) * 1e6;
let made = 0;

export function nextRequest(url) {
  const id = `4876876${String(first + made++).padStart(12, "0")}`;
  const body = JSON.stringify({ ...template, ids: [id], token: ZOHO_WEBHOOK_TOKEN });
  const signature = createHmac("sha256", ZOHO_WEBHOOK_SECRET).update(body).digest("hex");
  const head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nX-Zoho-Signature: ${signature}`;
  return { id, text: `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}` };
}

/** Whether the text is a whole request or answer. */
export function isWhole(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
  return Number.isNaN(length) ? text.endsWith("0\r\n\r\n") : text.length >= end + 4 + length;
}
