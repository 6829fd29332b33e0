import { jsonLayouts } from "./json-layouts.ts";

/** What a body may have been before something on its way changed it, with what that would mean. */
export interface BodyVariant {
  readonly id: string;
  readonly body: Buffer;
  readonly meaning: string;
  readonly remedy: string;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const KEEP_RAW = "hand the raw request bytes to the check, before any body parser or editor touches them";

/** The body as `JSON.stringify(JSON.parse(text))` writes it; undefined where it is not JSON or is in that form already. */
export function reserialised(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  try {
    const compact = JSON.stringify(JSON.parse(text));
    return compact === text ? undefined : Buffer.from(compact);
  } catch {
    return undefined;
  }
}

/**
 * Every known change undone, one at a time, each result once. The body itself is not among them. Of two changes that
 * give the same bytes the plainer one is told: a lost newline rather than a new layout.
 */
export function bodyVariants(body: Buffer, text: string | undefined): readonly BodyVariant[] {
  const found: BodyVariant[] = [];
  const add = (id: string, changed: Buffer | undefined, meaning: string): void => {
    if (changed === undefined || changed.equals(body) || found.some((each) => each.body.equals(changed))) return;
    found.push({ id, body: changed, meaning, remedy: KEEP_RAW });
  };
  // Changes of bytes rather than of characters: a body need not be valid UTF-8.
  const latin1 = body.toString("latin1");
  const bytes = (changed: string): Buffer => Buffer.from(changed, "latin1");
  const withoutNewline = bytes(latin1.replace(/\r?\n$/, ""));
  add("newline-added", withoutNewline, "a newline was added at the end of the body after it was signed");
  add("newline-removed", bytes(`${latin1}\n`), "a newline at the end of the body was removed after it was signed");
  add("space-added", trimmed(latin1, withoutNewline), "white space was added around the body after it was signed");
  add("crlf-from-lf", bytes(latin1.replace(/\r\n/g, "\n")), "line ends were turned from LF into CRLF after signing");
  add("lf-from-crlf", bytes(latin1.replace(/\r?\n/g, "\r\n")), "line ends were turned from CRLF into LF after signing");
  const hasBom = body.subarray(0, 3).equals(BOM);
  add("bom-added", hasBom ? body.subarray(3) : undefined, "a byte order mark was put before the body after signing");
  add(
    "bom-removed",
    hasBom ? undefined : Buffer.concat([BOM, body]),
    "a byte order mark at the start of the body was removed after signing",
  );
  add("encoded-twice", decodedOnce(body), "UTF-8 text was taken for Latin-1 and encoded again after signing");
  for (const { id, text: written, meaning } of jsonLayouts(text)) add(id, Buffer.from(written), meaning);
  return found;
}

/** Every two changes undone, one after the other, each result once. */
export function bodyVariantPairs(body: Buffer, text: string | undefined): readonly BodyVariant[] {
  const singles = bodyVariants(body, text);
  const seen = new Set([body, ...singles.map((each) => each.body)].map((each) => each.toString("latin1")));
  return singles.flatMap((first) =>
    bodyVariants(first.body, textOf(first.body)).flatMap((second) => {
      const key = second.body.toString("latin1");
      if (seen.has(key)) return [];
      seen.add(key);
      const [id, meaning] = [`${first.id}+${second.id}`, `${first.meaning}; and ${second.meaning}`];
      return [{ id, body: second.body, meaning, remedy: KEEP_RAW }];
    }),
  );
}

/** Undefined where a lone newline at the end is all there is to trim: that has a name of its own. */
function trimmed(latin1: string, withoutNewline: Buffer): Buffer | undefined {
  const changed = Buffer.from(latin1.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ""), "latin1");
  return changed.equals(withoutNewline) ? undefined : changed;
}

function decodedOnce(body: Buffer): Buffer | undefined {
  const text = textOf(body);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of Latin-1 begins with them
  return text !== undefined && /[\u0080-\u00ff]/.test(text) && /^[\u0000-\u00ff]*$/.test(text)
    ? Buffer.from(text, "latin1")
    : undefined;
}

function textOf(body: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
