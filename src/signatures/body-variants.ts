import { isUtf8 } from "node:buffer";
import { utf8Text } from "../delivery/payload.ts";
import { type JsonNode, scanJson, stringEnd } from "../util/json.ts";
import { isFarLongerIndented, minifyJson, prettyJson, spacedJson } from "../util/json-print.ts";

/** One possible difference between what was signed and what came. */
export interface Change {
  readonly id: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** A body as it may have been signed. */
export interface BodyVariant extends Change {
  readonly body: Buffer;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const KEEP_RAW = "check the raw bytes of the request, before any body parser or editor changes them";

/**
 * The body as `JSON.stringify(JSON.parse(text))` writes it; undefined where it is not JSON or is in that form already.
 * `parsed`: the text's value, where that is known.
 */
export function reserialised(text: string | undefined, parsed?: unknown): Buffer | undefined {
  if (text === undefined) return undefined;
  try {
    const compact = JSON.stringify(parsed ?? JSON.parse(text));
    return compact === text ? undefined : Buffer.from(compact);
  } catch {
    return undefined;
  }
}

/** Undoes every known change of the bytes, one at a time. Each result comes once, the body itself not at all. */
export function bodyEdits(body: Buffer): readonly BodyVariant[] {
  const found: BodyVariant[] = [];
  const add = (id: string, changed: Buffer | undefined, meaning: string): void => {
    if (changed === undefined || changed.equals(body) || found.some((each) => each.body.equals(changed))) return;
    found.push({ id, body: changed, meaning, remedy: KEEP_RAW });
  };
  // Latin-1 maps bytes one to one: a body need not be valid UTF-8.
  const latin1 = body.toString("latin1");
  const bytes = (changed: string): Buffer => Buffer.from(changed, "latin1");
  const withoutNewline = bytes(latin1.replace(/\r?\n$/, ""));
  add("newline-added", withoutNewline, "a newline was added at the end of the body after it was signed");
  add("newline-removed", bytes(`${latin1}\n`), "a newline at the end of the body was removed after it was signed");
  add("space-added", trimmed(body, withoutNewline), "white space was added around the body after it was signed");
  add(
    "crlf-from-lf",
    bytes(latin1.replace(/\r\n/g, "\n")),
    "line endings were converted from LF to CRLF after signing",
  );
  add(
    "lf-from-crlf",
    bytes(latin1.replace(/\r?\n/g, "\r\n")),
    "line endings were converted from CRLF to LF after signing",
  );
  const hasBom = body.subarray(0, 3).equals(BOM);
  add("bom-added", hasBom ? body.subarray(3) : undefined, "a byte order mark was added before the body after signing");
  add(
    "bom-removed",
    hasBom ? undefined : Buffer.concat([BOM, body]),
    "a byte order mark at the start of the body was removed after signing",
  );
  const once = asLatin1(body);
  if (once !== undefined && isUtf8(once))
    add("encoded-twice", once, "UTF-8 text was read as Latin-1 and encoded again after signing");
  else add("utf8-from-latin1", once, "the text was signed in Latin-1 (ISO 8859-1) and converted to UTF-8 afterwards");
  if (!isUtf8(body))
    add("latin1-from-utf8", Buffer.from(latin1), "the text was signed in UTF-8 and converted to Latin-1 afterwards");
  return found;
}

/**
 * Lays bodies out as other programs write the same JSON. Results are cached by the JSON without white space, since laying
 * out a megabyte takes longer than everything else done with it.
 */
export function bodyWriter(): (body: Buffer) => readonly BodyVariant[] {
  const cache = new Map<string, readonly BodyVariant[]>();
  const compacts = new WeakMap<Buffer, string>();
  const layOut = (compact: string): readonly BodyVariant[] => {
    const laidOut = jsonLayouts(compact);
    for (const { id, body } of laidOut) if (/^(?:compact|indented|spaced)/.test(id)) compacts.set(body, compact);
    cache.set(compact, laidOut);
    return laidOut;
  };
  return (body) => {
    const text = utf8Text(body);
    const compact = compacts.get(body) ?? compactJsonText(text);
    if (text === undefined || compact === undefined) return [];
    const written = [...(cache.get(compact) ?? layOut(compact)), ...jsonEscapes(text)];
    return written.filter((each) => !each.body.equals(body));
  };
}

/** Integers outside quotes that a JavaScript number may not hold. */
const LONG_INTEGERS = /(?<![\d.eE+"-])\d{16,19}(?![\d.eE"])/g;
/** One number of 19 digits may have been any of a thousand, and each body is hashed. */
const MAX_RESTORED = 2_000;
const MAX_RESTORED_BYTES = 32_000_000;

/** The body with the digits that its long numbers may have had before a JSON parser rounded them. */
export function unrounded(text: string): readonly BodyVariant[] {
  const rounded = [...new Set(text.match(LONG_INTEGERS))].filter((digits) => String(Number(digits)) === digits);
  let texts = [text];
  for (const digits of rounded) {
    const originals = sameNumbers(digits);
    const count = texts.length * originals.length;
    if (count > MAX_RESTORED || count * text.length > MAX_RESTORED_BYTES) return [];
    const restore = (each: string, original: string): string =>
      each.replace(LONG_INTEGERS, (found) => (found === digits ? original : found));
    texts = texts.flatMap((each) => originals.map((original) => restore(each, original)));
  }
  const meaning = "a JSON parser has rounded numbers of more than 15 digits in the body after it was signed";
  return texts.slice(1).map((each) => ({ id: "rounded", body: Buffer.from(each), meaning, remedy: KEEP_RAW }));
}

/** All integers that are the same JavaScript number, beginning with the given one. */
function sameNumbers(digits: string): readonly string[] {
  const found = [digits];
  for (const step of [1n, -1n]) {
    for (let next = BigInt(digits) + step; Number(next) === Number(digits); next += step) found.push(String(next));
  }
  return found;
}

/** Undoes two changes, one after the other. Each result comes once, and none that a single change gives. */
export function inPairs(
  body: Buffer,
  first: (body: Buffer) => readonly BodyVariant[],
  second: (body: Buffer) => readonly BodyVariant[],
): readonly BodyVariant[] {
  const singles = first(body);
  const isNew = firstTimeSeen();
  for (const each of [body, ...singles.map((single) => single.body)]) isNew(each);
  return singles.flatMap((single) =>
    second(single.body).flatMap((pair) => {
      if (!isNew(pair.body)) return [];
      const [id, meaning] = [`${single.id}+${pair.id}`, `${single.meaning}; and ${pair.meaning}`];
      return [{ id, body: pair.body, meaning, remedy: KEEP_RAW }];
    }),
  );
}

function firstTimeSeen(): (body: Buffer) => boolean {
  const seen = new Map<number, Buffer[]>();
  return (body) => {
    const sameLength = seen.get(body.length) ?? [];
    if (sameLength.some((each) => each.equals(body))) return false;
    seen.set(body.length, [...sameLength, body]);
    return true;
  };
}

/** Undefined where only a newline at the end is trimmed, which is `newline-added`. */
function trimmed(body: Buffer, withoutNewline: Buffer): Buffer | undefined {
  let [start, end] = [0, body.length];
  while (start < end && isSpace(body[start])) start++;
  while (end > start && isSpace(body[end - 1])) end--;
  const changed = body.subarray(start, end);
  return changed.equals(withoutNewline) ? undefined : changed;
}

/** JSON white space. A regular expression would take minutes on a body with a megabyte of it. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

/** The text in Latin-1 if that has all its characters and some are not ASCII. */
function asLatin1(body: Buffer): Buffer | undefined {
  const text = utf8Text(body);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of Latin-1 begins with them
  return text !== undefined && /[\u0080-\u00ff]/.test(text) && /^[\u0000-\u00ff]*$/.test(text)
    ? Buffer.from(text, "latin1")
    : undefined;
}

/** JSON without white space; undefined where the text is not JSON. */
function compactJsonText(text: string | undefined): string | undefined {
  // JSON nested deeper than a body may be would overflow the stack.
  return text === undefined || isFarLongerIndented(text, 4) || !isJson(text) ? undefined : minifyJson(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function layout(id: string, text: string, how: string): BodyVariant {
  return { id, body: Buffer.from(text), meaning: `the signature is over the body ${how}`, remedy: KEEP_RAW };
}

/** The layouts that programs commonly give JSON. All but JavaScript's keep every digit, as editors and `jq` do. */
function jsonLayouts(compact: string): readonly BodyVariant[] {
  const reserialised = JSON.stringify(JSON.parse(compact));
  const rounds = (compact.match(LONG_INTEGERS) ?? []).some((digits) => String(Number(digits)) !== digits);
  const changes = [
    ...(rounds ? ["long numbers rounded"] : []),
    ...(compact.includes("\\/") ? ["\\/ written as /"] : []),
  ];
  const effect = changes.length === 0 ? "" : `, with ${changes.join(" and ")}`;
  return [
    layout("reserialised", reserialised, `parsed and serialised again (JSON.stringify)${effect}`),
    ...(compact === reserialised ? [] : [layout("compact", compact, "without the white space between its parts")]),
    layout("indented-2", prettyJson(compact), "indented by two spaces"),
    layout("indented-4", prettyJson(compact, "    "), "indented by four spaces"),
    layout("indented-tab", prettyJson(compact, "\t"), "indented by tabs"),
    layout("spaced", spacedJson(compact), "with a space after each comma and colon, as Python writes it"),
    layout("keys-sorted", sorted(compact), "with its keys sorted"),
  ];
}

/** The character escapes that programs commonly use in JSON; white space stays. */
function jsonEscapes(text: string): readonly BodyVariant[] {
  return [
    layout("ascii-escaped", escaped(text), "with every character beyond ASCII written as \\u…"),
    layout(
      "slashes-escaped",
      text.replace(/\\?\//g, "\\/"),
      "with every slash written as \\/, as Zoho Mail and PHP do",
    ),
    layout("unescaped", unescaped(text), "with \\u… and \\/ written as the characters that they stand for"),
  ];
}

function escaped(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** No regular expression for a whole string: on one of many megabytes it would overflow the stack. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const parts: string[] = [];
  let done = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', done)) {
    const end = stringEnd(text, at);
    parts.push(text.slice(done, at), JSON.stringify(JSON.parse(text.slice(at, end))));
    done = end;
  }
  return parts.join("") + text.slice(done);
}

function sorted(text: string): string {
  const parts: string[] = [];
  const write = ({ kind, children, start, end }: JsonNode): void => {
    if (children.length === 0) {
      parts.push(text.slice(start, end));
      return;
    }
    const [open, close] = kind === "array" ? "[]" : "{}";
    const inOrder = kind === "array" ? children : children.toSorted((a, b) => (String(a.key) < String(b.key) ? -1 : 1));
    inOrder.forEach(({ key, node }, i) => {
      parts.push(`${i === 0 ? open : ","}${kind === "array" ? "" : `${JSON.stringify(key)}:`}`);
      write(node);
    });
    parts.push(close ?? "");
  };
  write(scanJson(text));
  return parts.join("");
}
