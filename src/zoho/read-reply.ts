import { parseJson } from "../core/json-text.ts";
import { isSuccess } from "../core/status.ts";
import type { ZohoReply, ZohoRequest } from "./http.ts";

const LONGEST_BODY = 20 * 1024 * 1024;

export async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw new Error(`the answer is longer than ${LONGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function readDate(header: string | string[] | undefined): Date | undefined {
  const ms = typeof header === "string" ? Date.parse(header) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

export function readReply(request: ZohoRequest, status: number, text: string): Omit<ZohoReply, "date"> {
  if (text.trim() === "") {
    // A list without entries is a 204 without a body; a 200 without one is an answer that got lost on the way.
    const missing = isSuccess(status) && status !== 204 && request.method !== "DELETE";
    return { status, text, body: undefined, unreadable: missing };
  }
  const parsed = parseJson(text);
  return { status, text, body: parsed.ok ? parsed.value : undefined, unreadable: !parsed.ok };
}
