import type { Delivery, HeaderPair } from "../body/delivery.ts";
import type { Receipt } from "./receive.ts";

/** One payload of an input: what is known of the request that carried it. */
export interface InputPayload {
  /** The line of the input on which it begins, from 1; undefined where it is the whole input. */
  readonly line: number | undefined;
  readonly delivery: Delivery;
  /** False for a bare body: the headers that it came with are not known. */
  readonly complete: boolean;
  /** True when the body stands in the input as it is, so that places in it are places in the input. */
  readonly inPlace: boolean;
  /** The product that `listen` took it for. */
  readonly product: string | undefined;
  /** When it came, where that is known: a signature with a time in it is as old as it was then. */
  readonly at?: Date | undefined;
  /** Why there is nothing to judge. */
  readonly problem: string | undefined;
}

export interface VerifyInput {
  readonly payloads: readonly InputPayload[];
  /** Lines of this tool's own that tell of no delivery: `ready`, `summary`. */
  readonly skipped: number;
}

/** The address of a bare body: nobody knows where it was sent to. */
export const NO_ADDRESS = "/";

const BOM = "\uFEFF";

/**
 * Takes an input apart. Its content tells what it is, in this order:
 * - JSON: one payload, its bytes the whole input; a JSON line of this tool's own is the delivery it tells of
 * - one JSON value a line: a payload each, its bytes the line without its end
 * - fields with `=` between names and values, without white space: a form, without the line end that an editor puts last
 * - a first line of `--boundary` with a form-data part after it: multipart
 * - anything else is taken for JSON, so that the first error in it is named
 *
 * With a content type the input is one body of that type and is not looked into.
 */
export function readVerifyInput(bytes: Buffer, contentType?: string): VerifyInput {
  if (contentType !== undefined) return one(bareBody(bytes, contentType));
  if (bytes.length === 0) return one({ ...bareBody(bytes, "application/json"), problem: "the input is empty" });
  const text = bytes.toString("utf8");
  const whole = parsed(text);
  if (whole !== undefined) return collect([fromJson(whole.value, bytes, undefined)]);
  const lines = splitLines(bytes);
  if (isNdjson(lines)) {
    return collect(lines.map((line) => fromJson(parsed(line.bytes.toString("utf8"))?.value, line.bytes, line.number)));
  }
  return one(bareBody(...asBody(bytes, text)));
}

function one(payload: InputPayload): VerifyInput {
  return { payloads: [payload], skipped: 0 };
}

function collect(found: readonly (InputPayload | undefined)[]): VerifyInput {
  const payloads = found.filter((each) => each !== undefined);
  const skipped = found.length - payloads.length;
  if (payloads.length > 0) return { payloads, skipped };
  const nothing = bareBody(Buffer.alloc(0), "application/json");
  return { payloads: [{ ...nothing, problem: "there is no payload in it, only other lines of zoho-hooks" }], skipped };
}

function bareBody(body: Buffer, contentType: string, line?: number): InputPayload {
  const delivery = { method: "POST", url: NO_ADDRESS, headers: [["content-type", contentType]], body } as const;
  return { line, delivery, complete: false, inPlace: true, product: undefined, problem: undefined };
}

/** The form and multipart bodies that a content type would have told apart. */
function asBody(bytes: Buffer, text: string): [body: Buffer, contentType: string] {
  const boundary = /^--([^\r\n]{1,70})\r?\n[\s\S]{0,500}?content-disposition:\s*form-data/i.exec(text)?.[1];
  if (boundary !== undefined) return [bytes, `multipart/form-data; boundary="${boundary}"`];
  if (/^[^\s=&<>{}[\]"]+=\S*(?:\r?\n)?$/.test(text)) {
    const end = /\r?\n$/.exec(text)?.[0].length ?? 0;
    return [bytes.subarray(0, bytes.length - end), "application/x-www-form-urlencoded"];
  }
  return [bytes, "application/json"];
}

interface Line {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The lines that are not blank, as the bytes they are; a byte order mark belongs to the file, not to its first line. */
function splitLines(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  let start = bytes.subarray(0, 3).toString("utf8") === BOM ? 3 : 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const next = newline === -1 ? bytes.length : newline;
    const end = bytes[next - 1] === 0x0d ? next - 1 : next;
    const line = bytes.subarray(start, Math.max(start, end));
    if (line.toString("latin1").trim() !== "") lines.push({ number, bytes: line });
    start = next + 1;
  }
  return lines;
}

/** A line that is broken does not make the others something else; most lines of a broken document are no whole values. */
function isNdjson(lines: readonly Line[]): boolean {
  if (lines.length < 2) return false;
  const isWhole = ({ bytes }: Line): boolean => {
    const value = parsed(bytes.toString("utf8"))?.value;
    return typeof value === "object" && value !== null;
  };
  return lines.slice(0, 1).every(isWhole) || lines.filter(isWhole).length * 2 >= lines.length;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text.startsWith(BOM) ? text.slice(1) : text);
    return { value };
  } catch {
    return undefined;
  }
}

/** A payload, or the delivery that a line of this tool's own holds; undefined for a line that holds none. */
function fromJson(value: unknown, bytes: Buffer, line: number | undefined): InputPayload | undefined {
  const bare = bareBody(bytes, "application/json", line);
  if (!isRecord(value) || typeof value.v !== "number") return bare;
  if (value.type === "event") return fromEvent(value, value.path, line);
  if (value.type === "sent" && isRecord(value.request)) return fromEvent(value.request, value.request.url, line, value);
  return typeof value.type === "string" || isRecord(value.error) ? undefined : bare;
}

function fromEvent(
  request: Readonly<Record<string, unknown>>,
  url: unknown,
  line: number | undefined,
  told: Readonly<Record<string, unknown>> = request,
): InputPayload {
  const body = fromBase64(request.body_b64);
  const headers = headerPairs(request.headers);
  const at = { line, product: typeof told.product === "string" ? told.product : undefined, at: timeOf(told.at) };
  if (body === undefined || headers === undefined || typeof request.method !== "string" || typeof url !== "string") {
    const problem = "the line is a delivery, but its method, path, headers or body_b64 is missing or malformed";
    return { ...bareBody(Buffer.alloc(0), "application/json"), ...at, problem };
  }
  return {
    ...at,
    delivery: { method: request.method, url, headers, body },
    complete: true,
    inPlace: false,
    problem: undefined,
  };
}

function timeOf(value: unknown): Date | undefined {
  const time = typeof value === "string" ? new Date(value) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}

function fromBase64(value: unknown): Buffer | undefined {
  if (typeof value !== "string" || value.length % 4 !== 0) return undefined;
  // Looked through for what does not belong: a pattern for the whole, which may be of many megabytes, would not fit on the stack.
  if (/[^A-Za-z0-9+/]/.test(value.replace(/={1,2}$/, ""))) return undefined;
  return Buffer.from(value, "base64");
}

function headerPairs(value: unknown): readonly HeaderPair[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs: HeaderPair[] = [];
  for (const pair of value as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    const [name, text]: readonly unknown[] = pair;
    if (typeof name !== "string" || typeof text !== "string") return undefined;
    pairs.push([name, text]);
  }
  return pairs;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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
