import { isFarLongerIndented, minifyJson, prettyJson } from "../json-print.ts";
import { type JsonNode, parseJson, scanJson, stringEnd } from "../json-text.ts";

/** The same JSON as another program writes it. */
export interface JsonLayout {
  readonly id: string;
  readonly text: string;
  /** What it would mean if that was signed. */
  readonly meaning: string;
}

/**
 * A JSON text in each of the layouts that programs commonly give it. But for JavaScript's own they keep every digit, as
 * editors, `jq` and languages with larger numbers do. Empty for what is not JSON.
 */
export function jsonLayouts(text: string | undefined): readonly JsonLayout[] {
  // What is nested so deeply that it is refused would not fit on the stack, and no program indents it.
  if (text === undefined || !parseJson(text).ok || isFarLongerIndented(text, 4)) return [];
  const layout = (id: string, written: string, how: string): JsonLayout => ({
    id,
    text: written,
    meaning: `the signature is over the body ${how}`,
  });
  const reserialised = JSON.stringify(JSON.parse(text));
  const compact = minifyJson(text);
  const indented = prettyJson(text);
  return [
    layout("reserialised", reserialised, "parsed and serialised again (JSON.stringify)"),
    ...(compact === reserialised ? [] : [layout("compact", compact, "without the white space between its parts")]),
    layout("indented-2", indented, "indented by two spaces"),
    layout("indented-4", withIndent(indented, "    "), "indented by four spaces"),
    layout("indented-tab", withIndent(indented, "\t"), "indented by tabs"),
    layout("spaced", spaced(indented), "with a space after each comma and colon, as Python writes it"),
    layout("keys-sorted", sorted(scanJson(text), text), "with its keys sorted"),
    layout("ascii-escaped", escaped(text), "with every character beyond ASCII written as \\u…"),
    layout("slashes-escaped", text.replace(/\\?\//g, "\\/"), "with every slash written as \\/, as PHP does"),
    layout("unescaped", unescaped(text), "with \\u… and \\/ written as the characters that they stand for"),
  ];
}

/** Of what is indented by two spaces. Its line breaks are never within a string. */
function withIndent(indented: string, indent: string): string {
  return indented.replace(/\n( +)/g, (_, spaces: string) => `\n${indent.repeat(spaces.length / 2)}`);
}

function spaced(indented: string): string {
  return indented.replace(/(,?)\n */g, (_, comma: string) => (comma === "" ? "" : ", "));
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

function sorted({ kind, children, start, end }: JsonNode, text: string): string {
  if (kind === "array") return `[${children.map(({ node }) => sorted(node, text)).join(",")}]`;
  if (kind !== "object") return text.slice(start, end);
  const members = children.map(({ key, node }) => ({ key: String(key), value: sorted(node, text) }));
  members.sort((a, b) => (a.key < b.key ? -1 : 1));
  return `{${members.map(({ key, value }) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}
