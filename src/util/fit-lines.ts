import { type JsonLine, jsonText } from "./text.ts";
import { formatBytes } from "./units.ts";

/** Below this, texts and lists say too little: whole lines are left out instead. */
const MIN_TEXT_BYTES = 64;
/** A list or object keeps one entry for each so many bytes that a text may have. */
const BYTES_PER_ENTRY = 32;

/**
 * Lines as JSON of at most `maxBytes` where it is sent as a string within JSON, which escapes twice: U+0001 takes seven bytes
 * there. The longest texts and lists are cut first, and tell their whole size at their end. If that is not enough, the last
 * lines are left out, and `{"left_out":3}` counts them.
 */
export function fitLines(
  lines: readonly JsonLine[],
  maxBytes: number,
): { readonly text: string; readonly isCut: boolean } {
  const whole = lines.map(jsonText).join("\n");
  if (whole.length <= maxBytes && sentBytes(whole) <= maxBytes) return { text: whole, isCut: false };
  const cutTo = (maxTextBytes: number): readonly string[] => lines.map((line) => jsonText(cutLine(line, maxTextBytes)));
  let best = cutTo(MIN_TEXT_BYTES);
  if (sentBytes(best.join("\n")) > maxBytes) return { text: withoutLast(best, maxBytes), isCut: true };
  let fits = MIN_TEXT_BYTES;
  let tooLong = maxBytes;
  while (tooLong > fits * 1.1) {
    const middle = Math.sqrt(fits * tooLong);
    const cut = cutTo(middle);
    if (sentBytes(cut.join("\n")) > maxBytes) tooLong = middle;
    else {
      fits = middle;
      best = cut;
    }
  }
  return { text: best.join("\n"), isCut: true };
}

/** As many of the first lines as fit, and the count of the others. */
function withoutLast(lines: readonly string[], maxBytes: number): string {
  let fits = 0;
  for (let bytes = sentBytes(leftOut(lines.length)); fits < lines.length; fits++) {
    bytes += sentBytes(`${lines[fits]}\n`) - 2;
    if (bytes > maxBytes) break;
  }
  return [...lines.slice(0, fits), leftOut(lines.length - fits)].join("\n");
}

function leftOut(count: number): string {
  return jsonText({ left_out: count });
}

/** A text that takes at most `maxBytes` in a JSON string within a JSON string, and behind it its whole size if it was cut. */
export function cutToBytes(text: string, maxBytes: number): string {
  // Each character takes at least a byte.
  if (text.length <= maxBytes && sentBytes(jsonText(text)) <= maxBytes) return text;
  let fits = 0;
  let tooLong = Math.min(text.length, Math.ceil(maxBytes)) + 1;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (sentBytes(jsonText(wholeCharacters(text, middle))) <= maxBytes) fits = middle;
    else tooLong = middle;
  }
  return `${wholeCharacters(text, fits)}… (${formatBytes(Buffer.byteLength(text))} in all)`;
}

/** The first units of a text, without half of a surrogate pair at the end. */
function wholeCharacters(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}

function sentBytes(json: string): number {
  return Buffer.byteLength(JSON.stringify(json));
}

/** The members of a line are ours, so all stay. */
function cutLine(line: JsonLine, maxTextBytes: number): JsonLine {
  return Object.fromEntries(Object.entries(line).map(([name, value]) => [name, cutValue(value, maxTextBytes)]));
}

/** What a list or object holds gets half of its room, which limits the depth as well. */
function cutValue(value: unknown, maxBytes: number): unknown {
  if (typeof value === "string") return cutToBytes(value, maxBytes);
  if (typeof value !== "object" || value === null) return value;
  if (maxBytes < 1) return "…";
  const count = Math.max(1, Math.floor(maxBytes / BYTES_PER_ENTRY));
  if (Array.isArray(value)) {
    const kept = value.slice(0, count).map((each) => cutValue(each, maxBytes / 2));
    return value.length > count ? [...kept, `… (${value.length} in all)`] : kept;
  }
  const entries = Object.entries(value);
  const kept = entries
    .slice(0, count)
    .map(([name, each]) => [cutToBytes(name, maxBytes / 2), cutValue(each, maxBytes / 2)]);
  return Object.fromEntries(entries.length > count ? [...kept, ["…", `${entries.length} in all`]] : kept);
}
