import type { Receipt } from "./receive.ts";
import type { InputPayload } from "./verify-input.ts";

/**
 * What an input is that holds a payload and is none itself: recorded by another tool, or written in another way. Only of what
 * stands in the input as it is and is no event: whatever Zoho or a user posts goes before.
 */
export function foreignInput({ delivery, inPlace }: InputPayload, receipt: Receipt): string | undefined {
  const { event, handshake, payload } = receipt;
  if (!inPlace || event !== undefined || handshake !== undefined) return undefined;
  return encoded(delivery.body) ?? recordedText(delivery.body) ?? recordedData(payload?.data);
}

/** More of an input is not looked at. */
const START = 4000;

function encoded(body: Buffer): string | undefined {
  const start = body.toString("latin1", 0, START);
  if (start.startsWith("\x1f\x8b")) return "this is compressed by gzip: unpack it first";
  // With a byte order mark, or a bracket in two bytes.
  if (/^(?:\xff\xfe|\xfe\xff|[{[]\0|\0[{[])/.test(start))
    return "this is text in UTF-16, as > of Windows PowerShell writes it: save it in UTF-8";
  const isBase64 =
    !/[^\w+/=\s-]/.test(start) && /^\s*[{[]\s*["{[]/.test(Buffer.from(start, "base64").toString("latin1"));
  return isBase64 ? "this is JSON in base64: decode it first" : undefined;
}

const ALONE = "put its body alone into a file, to the byte, and give the headers that prove it with -H";

function recordedText(body: Buffer): string | undefined {
  const start = body.toString("latin1", 0, START);
  if (/^\s*(?:\$\s*)?curl(?:\.exe)?\s/.test(start)) return `this is a curl command: ${ALONE}`;
  const isHead = /^(?:[\w-]{1,40}: [^\r\n]*\r?\n)+\r?\n/.test(start) && /^(?:content-|host:|user-agent:)/im.test(start);
  const isRequest = isHead || /^[A-Z]{3,7} \S+ HTTP\/[\d.]+\r?\n/.test(start);
  return isRequest ? `this is a request with its headers: ${ALONE}` : undefined;
}

function recordedData(data: unknown): string | undefined {
  if (typeof data === "string" && /^\s*[{[]/.test(data))
    return "this is JSON within a text of JSON: it was serialised twice";
  if (typeof data !== "object" || data === null) return undefined;
  if (Array.isArray(data))
    return typeof data[0] === "object"
      ? "this is a list: give one payload a line, as jq -c '.[]' writes them"
      : undefined;
  const { log, body, headers } = data as Readonly<Record<string, unknown>>;
  if (typeof log === "object" && log !== null && "entries" in log)
    return `this is a HAR file, which tells of many requests: of the one that is meant, ${ALONE}`;
  const isWrapped = typeof body === "string" && typeof headers === "object" && headers !== null;
  return isWrapped ? `this is a request as a gateway or a log has it, with the payload in "body": ${ALONE}` : undefined;
}
