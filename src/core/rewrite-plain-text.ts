import { stringEnd } from "./json-text.ts";

/** The new text of what stands behind a name, or undefined to leave it. */
export type EditNamed = (name: string, value: string) => string | undefined;

/** Up to the quote that the value begins with. */
const QUOTED_PAIR = /"([^"\\]{1,200})"\s*:\s*"/g;
/** `name=`, `name: `, `"name": `, `<name>`: what a value stands behind. */
const NAME =
  /(?<=^|[\s,;&?({"'[|`*])([\w.-]{1,200})\\{0,3}["']?[ \t]{0,20}[:=](?:\*\*)?[ \t]{0,20}|<([\w.:-]{1,200})(?:\s[^<>]{0,2000})?>/g;
/** From there on: in quotes, to the end of the line for a header, or to the next white space. */
const LINE = /[^\r\n]+/y;
const WORD = /[^\s&<>]+/y;
const HEADER = /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i;
const PEM = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;
const USER = /(?<=\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/?#@\s"'<>]{1,300}(?=@)/gi;
/** Closes what the value stands in, or ends a sentence: none of it belongs to a value that is not in quotes. */
const BEHIND = /[,;.)\]}'"`]{1,8}$/;

/** A text that is neither JSON nor a form, with what stands behind names in it: broken JSON, XML, words of a user's own. */
export function rewritePlainText(text: string, edited: EditNamed): string {
  const pairs = replaceRanges(text, QUOTED_PAIR, ({ 0: all, 1: name = "", index }) => {
    const from = index + all.length - 1;
    const end = stringEnd(text, from);
    const isClosed = text[end - 1] === '"' && end - 1 > from;
    const by = edited(name, text.slice(from + 1, isClosed ? end - 1 : end));
    return { from, to: end, by: by === undefined ? undefined : JSON.stringify(by) };
  });
  const users = pairs.replace(USER, (user) => edited("password", user) ?? user);
  return rewriteNamed(rewriteKeys(users, edited), edited);
}

function rewriteKeys(text: string, edited: EditNamed): string {
  return replaceRanges(text, PEM, ({ index }) => {
    const end = text.indexOf("-----END ", index);
    const close = end === -1 ? -1 : text.indexOf("-----", end + 9);
    const to = close === -1 ? text.length : close + 5;
    const by = edited("private_key", text.slice(index, to));
    return by === undefined ? undefined : { from: index, to, by };
  });
}

function rewriteNamed(text: string, edited: EditNamed): string {
  return replaceRanges(text, NAME, (match) => {
    const [all, name = "", element] = match;
    // Only behind a name that matters is a value looked for: a long text of other names is read once.
    if (edited(element ?? name, "x") === undefined) {
      // What an element's attributes are named is still to be seen.
      const to = match.index + 1 + (element ?? "").length;
      return element === undefined ? undefined : { from: match.index, to, by: undefined };
    }
    const from = match.index + all.length;
    const found = element === undefined ? valueAt(text, match, from) : elementAt(text, from);
    if (found === undefined || found.value === "") return undefined;
    const by = edited(element ?? name, found.value);
    return by === undefined ? undefined : { from: found.from, to: found.from + found.value.length, by };
  });
}

interface Found {
  readonly from: number;
  readonly value: string;
}

function valueAt(text: string, { 0: all, 1: name = "", index }: RegExpExecArray, from: number): Found | undefined {
  if (HEADER.test(name) && all.includes(":")) return headerAt(text, text[index - 1] ?? "", from);
  const quoted = quotedAt(text, from);
  if (quoted !== undefined) return { from: from + 1, value: quoted };
  const [word = ""] = matchAt(WORD, text, from) ?? [];
  const value = word.replace(BEHIND, "");
  const next = text.slice(from + word.length, from + word.length + 2);
  return all.includes(":") && /^[ \t]\w/.test(next) && isSaidOf(name, value) ? undefined : { from, value };
}

/** Words that begin a sentence about a secret and that nobody has for one. */
const BEGINS_SENTENCE =
  /^(?:an?|the|this|that|these|it|its|is|was|are|were|there|no|not|none|nothing|neither|your|you|must|may|does|do|did|has|have|cannot|could|should|expected|unexpected|invalid|missing|malformed|mismatched)$/i;

/** The first word of what is said about a secret: "Invalid signature: expected hex", "guide-signature: the body has changed". */
function isSaidOf(name: string, word: string): boolean {
  return (
    BEGINS_SENTENCE.test(word) ||
    (/^(?:sign|sig|signature|token|auth|cookie)$/i.test(name) && /^[a-z]{1,20}$/.test(word))
  );
}

/** What stands between quotes of one line. A pattern for it, which may be of many megabytes, would not fit on the stack. */
function quotedAt(text: string, from: number): string | undefined {
  const quote = text[from];
  if (quote !== '"' && quote !== "'") return undefined;
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === quote) return text.slice(from + 1, at);
    if (char === "\n") return undefined;
    if (char === "\\") at++;
  }
  return undefined;
}

/** To the end of its line, or of the quotes that the whole header stands in. */
function headerAt(text: string, before: string, from: number): Found {
  const [line = ""] = matchAt(LINE, text, from) ?? [];
  const end = /["'`]/.test(before) ? line.indexOf(before) : -1;
  return { from, value: end === -1 ? line : line.slice(0, end) };
}

function elementAt(text: string, from: number): Found {
  const open = "<![CDATA[";
  const isData = text.startsWith(open, from);
  const start = isData ? from + open.length : from;
  const end = text.indexOf(isData ? "]]>" : "<", start);
  return { from: start, value: text.slice(start, end === -1 ? undefined : end) };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** Undefined to leave it as it is. */
  readonly by: string | undefined;
}

/** Replaces what `find` makes of each match, and goes on behind that, or else behind the match. */
function replaceRanges(text: string, pattern: RegExp, find: (match: RegExpExecArray) => Range | undefined): string {
  const parts: string[] = [];
  let done = 0;
  // Not the pattern's own place: a value that is found may be a text that is gone through with the same pattern.
  let next = 0;
  for (;;) {
    const match = matchAt(pattern, text, next);
    if (match === null) return parts.join("") + text.slice(done);
    next = pattern.lastIndex;
    const found = find(match);
    if (found === undefined) continue;
    next = found.to;
    if (found.by === undefined) continue;
    parts.push(text.slice(done, found.from), found.by);
    done = found.to;
  }
}
