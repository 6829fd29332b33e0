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
