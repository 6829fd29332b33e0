import { formatBytes } from "./units.ts";

/** Long enough for an error message of a server, too short for a page of HTML. */
const MAX_LENGTH = 300;
/** The text may be megabytes. */
const MAX_INPUT_LENGTH = 20_000;

/**
 * Untrusted text as a part of a message: cut to size and on one line, so that it cannot pass for a line of this program or
 * for a command to be copied.
 */
export function oneLine(text: string): string {
  const line = text
    .slice(0, MAX_INPUT_LENGTH)
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH).trimEnd()}…`;
}

const MAX_VALUE_LENGTH = 200;
/** A value in quotes, or a long word. Each character is looked at a few hundred times at most; an apostrophe opens nothing. */
const VALUE = /(?<!\\)"(.*?)(?<!\\)"|(?<!\w)'([^']*)'(?!\w)|\S{201,}/gs;

/** A value as a part of a message: at most 200 characters of it. */
export function shortValue(value: string): string {
  return value.length <= MAX_VALUE_LENGTH ? value : `${value.slice(0, MAX_VALUE_LENGTH)}…`;
}

/** A message with at most 200 characters of each value that it quotes, and of each word. */
export function shortValues(message: string): string {
  return message.replace(VALUE, (all, ...[inDouble, inSingle]: (string | undefined)[]) => {
    if (inDouble !== undefined) return `"${shortValue(inDouble)}"`;
    return inSingle === undefined ? shortValue(all) : `'${shortValue(inSingle)}'`;
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Foreign text (payloads, headers, replies) without escape sequences, control characters and bidirectional overrides, which
 * a terminal would obey. With `multiline`, line ends and tabs stay.
 */
export function plain(text: string, multiline = false): string {
  const layout = text.replace(/\r\n?/g, "\n");
  return (multiline ? layout : layout.replace(/[\n\t]/g, " ")).replace(UNPRINTABLE, "");
}

/** A line of output for scripts, before it is written as JSON. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** Characters that control a terminal or the direction of its text, beside those that JSON escapes itself. */
const TERMINAL_CONTROLS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A value as a line of JSON, as below. */
export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`;
}

/** A value as JSON that is safe to show in a terminal: control characters are escaped, as `\u009b`. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // Runs for every event: counting bytes takes a hundredth of the time of the pattern, and nearly all text is ASCII.
  if (Buffer.byteLength(text) === text.length && !text.includes("\u007f")) return text;
  return text.replace(TERMINAL_CONTROLS, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** In single quotes, within which a POSIX shell interprets nothing. */
export function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The words of a member's name, in lower case: `attended_time`, `previousAssignee`, `DESK_TICKET_ID`, `What_Id`. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3_$2$4")
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== "");
}

export function cutText(cutTo: number, body: string): string {
  const kept = cutTo === 0 ? `${body} was not kept` : `only the first ${formatBytes(cutTo)} of ${body} were kept`;
  return `${kept}, because it was rejected`;
}

/** A text that is wider than this without its end. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let short = "";
  for (const character of text) {
    if (textWidth(`${short}${character}…`) > width) break;
    short += character;
  }
  return `${short}…`;
}

/** Most texts, our own marks included: one column per UTF-16 unit. */
export const NARROW = /^[\u0020-\u02ff\u2010-\u2027\u2190-\u2193\u2713\u2717]*$/;

/** Terminal columns of a text: two for an emoji or an East Asian character, none for joiners and combining marks. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : widthByCharacter(text);
}

/** A segmenter takes quadratic time, so it gets a long text in pieces: at most one character per piece is miscounted. */
const PIECE = /.{1,1000}/gsu;

let segmenter: Intl.Segmenter | undefined;

/** Counts grapheme clusters: a letter with its accents, a family emoji. Its tools are created on first use. */
function widthByCharacter(text: string): number {
  // Half-width forms are narrow in every script.
  const wide =
    /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
  const invisible = /^[\p{Cf}\p{Mn}\p{Me}]+$/u;
  segmenter ??= new Intl.Segmenter("en");
  let width = 0;
  for (const piece of text.match(PIECE) ?? []) {
    for (const { segment } of segmenter.segment(piece))
      width += wide.test(segment) ? 2 : invisible.test(segment) ? 0 : 1;
  }
  return width;
}
