/** Room for what a server has to say; a page of HTML or a record that it repeats is none of a message. */
const LONGEST = 300;
/** Looked at of what may be megabytes. */
const LOOKED_AT = 20_000;

/**
 * A stranger's text as a part of a message: on one line, so that it cannot pass for a line of ours or for a command to be
 * copied, and cut where it is long.
 */
export function oneLine(text: string): string {
  // White space and control characters, the separators of lines and paragraphs among them.
  const line = text
    .slice(0, LOOKED_AT)
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST).trimEnd()}…`;
}

/** What a script is told in one line, before it is written as JSON. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** Beside those that JSON escapes itself: what a terminal obeys, or shows the rest of the line in another order by. */
const OBEYED = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A value as a line of JSON that a terminal only shows, whatever a stranger has written in it: the same JSON, with those
 * characters as `\u009b`.
 */
export function jsonLine(value: unknown): string {
  return `${escapeObeyed(JSON.stringify(value))}\n`;
}

/** Of a JSON text: outside of its strings there are none of them. */
function escapeObeyed(text: string): string {
  // On the way of every event: to count bytes takes a hundredth of what the pattern does, and nearly all is ASCII.
  if (Buffer.byteLength(text) === text.length && !text.includes("\u007f")) return text;
  return text.replace(OBEYED, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Single quotes: within them a POSIX shell interprets nothing at all. */
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
