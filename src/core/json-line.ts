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
