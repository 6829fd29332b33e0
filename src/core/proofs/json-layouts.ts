import { isFarLongerIndented, minifyJson, prettyJson, spacedJson } from "../json-print.ts";
import { type JsonNode, scanJson, stringEnd } from "../json-text.ts";

/** The same JSON as another program writes it. */
export interface JsonLayout {
  readonly id: string;
  readonly text: string;
  /** What it would mean if that was signed. */
  readonly meaning: string;
}

/** A JSON text without its white space; undefined for what is no JSON. */
export function compactJsonText(text: string | undefined): string | undefined {
  // What is nested so deeply that it is refused would not fit on the stack, and no program indents it.
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

function layout(id: string, written: string, how: string): JsonLayout {
  return { id, text: written, meaning: `the signature is over the body ${how}` };
}

/**
 * JSON without white space in each of the layouts that programs commonly give it. But for JavaScript's own they keep every
 * digit, as editors, `jq` and languages with larger numbers do.
 */
export function jsonLayouts(compact: string): readonly JsonLayout[] {
  const reserialised = JSON.stringify(JSON.parse(compact));
  return [
    layout("reserialised", reserialised, "parsed and serialised again (JSON.stringify)"),
    ...(compact === reserialised ? [] : [layout("compact", compact, "without the white space between its parts")]),
    layout("indented-2", prettyJson(compact), "indented by two spaces"),
    layout("indented-4", prettyJson(compact, "    "), "indented by four spaces"),
    layout("indented-tab", prettyJson(compact, "\t"), "indented by tabs"),
    layout("spaced", spacedJson(compact), "with a space after each comma and colon, as Python writes it"),
    layout("keys-sorted", sorted(compact), "with its keys sorted"),
  ];
}

/** A JSON text with its characters written in each of the ways that programs commonly write them; its white space stays. */
export function jsonEscapes(text: string): readonly JsonLayout[] {
  return [
    layout("ascii-escaped", escaped(text), "with every character beyond ASCII written as \\u…"),
    layout("slashes-escaped", text.replace(/\\?\//g, "\\/"), "with every slash written as \\/, as PHP does"),
    layout("unescaped", unescaped(text), "with \\u… and \\/ written as the characters that they stand for"),
  ];
}

function escaped(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** String by string: a pattern for a whole one, which may be of many megabytes, would not fit on the stack. */
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
