import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import type { LogEntry } from "../log/log.ts";

/** One payload of an input, with what is known of its request. */
export interface InputPayload {
  /** The line of the input, from 1; undefined for the whole input. */
  readonly line: number | undefined;
  readonly delivery: Delivery;
  /** False for a bare body, whose headers are not known. */
  readonly complete: boolean;
  /** Whether the body is the input's own text, so that positions in it are positions in the input. */
  readonly inPlace: boolean;
  /** The product that `listen` recognised. */
  readonly product: string | undefined;
  /** When it was received, if known: the age of a signature counts from then. */
  readonly at?: Date | undefined;
  /** Of a delivery in the log. */
  readonly arrival?: Arrival;
  /** Why there is nothing to verify. */
  readonly problem: string | undefined;
}

/** What `listen` received and found. */
export interface Arrival extends Pick<LogEntry, "receivedAt" | "delivery" | "status" | "verdicts"> {
  /** The day, if it is not today. */
  readonly day: string | undefined;
}

export interface VerifyInput {
  readonly payloads: readonly InputPayload[];
  /** The number of zoho-hooks' own lines without a delivery: `ready`, `summary`. */
  readonly skipped: number;
}

/** The URL of a bare body, whose real one is not known. */
export const NO_ADDRESS = "/";

const BOM = "\uFEFF";

/**
 * Splits an input into payloads. Without a content type, it is recognised in this order:
 * - JSON: one payload of exactly these bytes, or the delivery in a JSON line of zoho-hooks
 * - one JSON value per line: a payload each, without the line end
 * - `name=value` pairs without white space: a form, without the line end that editors add
 * - a first line of `--boundary` and a form-data part: multipart
 * - anything else counts as JSON, so that its first error is reported
 */
export function readVerifyInput(bytes: Buffer, contentType?: string): VerifyInput {
  if (contentType !== undefined) return collect([bareBody(bytes, contentType)]);
  if (bytes.length === 0) return collect([withoutBody("the input is empty")]);
  const text = bytes.toString("utf8");
  const whole = parsed(text);
  if (whole !== undefined) return collect([fromJson(whole.value, bytes, undefined)]);
  const { lines } = splitLines(bytes, 1);
  if (isNdjson(lines)) return collect(lines.map(fromLine));
  return collect([bareBody(...asBody(bytes, text))]);
}

/** A first line that is longer, or no whole value, is that of a document. */
const MAX_FIRST_LINE_BYTES = 1_048_576;

/**
 * The payloads of an input as `readVerifyInput` reads them; undefined stands for a line without a delivery. Of NDJSON whose
 * first line is whole, only a part is in memory.
 */
export async function* streamVerifyInput(
  input: AsyncIterable<Buffer>,
  contentType?: string,
): AsyncGenerator<InputPayload | undefined> {
  const chunks = input[Symbol.asyncIterator]();
  const next = async (): Promise<Buffer | undefined> => {
    const { done, value } = await chunks.next();
    return done === true ? undefined : value;
  };
  let bytes: Buffer = Buffer.alloc(0);
  let chunk = await next();
  while (chunk !== undefined && bytes.length < MAX_FIRST_LINE_BYTES && !beginsAsNdjson(bytes)) {
    bytes = Buffer.concat([bytes, chunk]);
    chunk = await next();
  }
  if (contentType !== undefined || chunk === undefined || !beginsAsNdjson(bytes)) {
    const all = [bytes];
    for (; chunk !== undefined; chunk = await next()) all.push(chunk);
    const { payloads, skipped } = readVerifyInput(Buffer.concat(all), contentType);
    yield* payloads;
    yield* Array.from({ length: skipped }, () => undefined);
    return;
  }
  let count = 0;
  let pending = [bytes];
  for (let number = 1; ; chunk = await next()) {
    if (chunk !== undefined) pending.push(chunk);
    // Joined once a line ends in it: else a long line would be copied again with each chunk.
    if (chunk?.includes(0x0a) === false) continue;
    bytes = Buffer.concat(pending);
    const end = chunk === undefined ? bytes.length : bytes.lastIndexOf(0x0a) + 1;
    const { lines, nextNumber } = splitLines(bytes.subarray(0, end), number);
    for (const line of lines) {
      const payload = fromLine(line);
      if (payload !== undefined) count++;
      yield payload;
    }
    if (chunk === undefined) break;
    number = nextNumber;
    pending = [bytes.subarray(end)];
  }
  if (count === 0) yield withoutBody(NO_DELIVERIES);
}

/** Whether the first of several lines is a whole value: then nothing but NDJSON can follow. */
function beginsAsNdjson(bytes: Buffer): boolean {
  const { lines } = splitLines(bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1), 1, 2);
  return lines.length === 2 && lines.slice(0, 1).every(isWhole);
}

/** Only a line of zoho-hooks has to be parsed here, and it names its version. */
function fromLine({ number, bytes }: Line): InputPayload | undefined {
  if (!bytes.includes('"v"')) return bareBody(bytes, "application/json", number);
  return fromJson(parsed(bytes.toString("utf8"))?.value, bytes, number);
}

const NO_DELIVERIES = "the input has no deliveries, only other output of zoho-hooks";

function collect(found: readonly (InputPayload | undefined)[]): VerifyInput {
  const payloads = found.filter((each) => each !== undefined);
  const skipped = found.length - payloads.length;
  if (payloads.length > 0) return { payloads, skipped };
  return { payloads: [withoutBody(NO_DELIVERIES)], skipped };
}

function withoutBody(problem: string): InputPayload {
  return { ...bareBody(Buffer.alloc(0), "application/json"), problem };
}

function bareBody(body: Buffer, contentType: string, line?: number): InputPayload {
  const delivery = { method: "POST", url: NO_ADDRESS, headers: [["content-type", contentType]], body } as const;
  return { line, delivery, complete: false, inPlace: true, product: undefined, problem: undefined };
}

/** Recognises forms and multipart bodies by their text. */
function asBody(bytes: Buffer, text: string): [body: Buffer, contentType: string] {
  const boundary = /^--([^\r\n]{1,70})\r?\n[\s\S]{0,500}?content-disposition:\s*form-data/i.exec(text)?.[1];
  if (boundary !== undefined) return [bytes, `multipart/form-data; boundary="${boundary}"`];
  const lineEnd = /\r?\n$/.exec(text)?.[0].length ?? 0;
  const line = text.slice(0, text.length - lineEnd);
  const name = line.slice(0, Math.max(0, line.indexOf("=")));
  if (name !== "" && !/[&<>{}[\]"]/.test(name) && !/\s/.test(line))
    return [bytes.subarray(0, bytes.length - lineEnd), "application/x-www-form-urlencoded"];
  return [bytes, "application/json"];
}

interface Line {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The bytes of at most `limit` lines that are not blank, without the byte order mark of the file. */
function splitLines(bytes: Buffer, first: number, limit = Number.POSITIVE_INFINITY) {
  const lines: Line[] = [];
  let number = first;
  let start = first === 1 && bytes.subarray(0, 3).toString("utf8") === BOM ? 3 : 0;
  for (; start < bytes.length && lines.length < limit; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const next = newline === -1 ? bytes.length : newline;
    const end = bytes[next - 1] === 0x0d ? next - 1 : next;
    const line = bytes.subarray(start, Math.max(start, end));
    if (line.toString("latin1").trim() !== "") lines.push({ number, bytes: line });
    start = next + 1;
  }
  return { lines, nextNumber: number };
}

/** Allows for broken lines: in a broken document of several lines, most lines are not whole values. */
function isNdjson(lines: readonly Line[]): boolean {
  if (lines.length < 2) return false;
  return lines.slice(0, 1).every(isWhole) || lines.filter(isWhole).length * 2 >= lines.length;
}

function isWhole({ bytes }: Line): boolean {
  const value = parsed(bytes.toString("utf8"))?.value;
  return typeof value === "object" && value !== null;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text.startsWith(BOM) ? text.slice(1) : text);
    return { value };
  } catch {
    return undefined;
  }
}

/** A payload, or the delivery in a line of zoho-hooks; undefined for such a line without one. */
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
  report: Readonly<Record<string, unknown>> = request,
): InputPayload {
  const body = fromBase64(request.body_b64);
  const headers = headerPairs(request.headers);
  const at = { line, product: typeof report.product === "string" ? report.product : undefined, at: timeOf(report.at) };
  if (body === undefined || headers === undefined || typeof request.method !== "string" || typeof url !== "string") {
    return {
      ...withoutBody("the line is a delivery, but its method, path, headers or body_b64 is missing or malformed"),
      ...at,
    };
  }
  const delivery = { method: request.method, url, headers, body };
  const problem = request.cut === true ? "only the start of its body was kept, because it was rejected" : undefined;
  return { ...at, delivery, complete: true, inPlace: false, problem };
}

function timeOf(value: unknown): Date | undefined {
  const time = typeof value === "string" ? new Date(value) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}

function fromBase64(value: unknown): Buffer | undefined {
  if (typeof value !== "string" || value.length % 4 !== 0) return undefined;
  // Looks for a wrong character: a pattern for all of many megabytes would overflow the stack.
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
