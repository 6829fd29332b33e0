import { isFarLongerIndented } from "../json-print.ts";
import { parseJson } from "../json-text.ts";

/** The same JSON as another program writes it. */
export interface JsonLayout {
  readonly id: string;
  readonly text: string;
  /** What it would mean if that was signed. */
  readonly meaning: string;
}

/** A JSON text in each of the layouts that serialisers commonly give it. Empty for what is not JSON. */
export function jsonLayouts(text: string | undefined): readonly JsonLayout[] {
  // What is nested so deeply that it is refused would not fit on the stack, and no program indents it.
  if (text === undefined || !parseJson(text).ok || isFarLongerIndented(text, 4)) return [];
  const value: unknown = JSON.parse(text);
  const layout = (id: string, written: string, how: string): JsonLayout => ({
    id,
    text: written,
    meaning: `the signature is over the body ${how}`,
  });
  return [
    layout("reserialised", JSON.stringify(value), "parsed and serialised again (JSON.stringify)"),
    layout("indented-2", JSON.stringify(value, undefined, 2), "indented by two spaces"),
    layout("indented-4", JSON.stringify(value, undefined, 4), "indented by four spaces"),
    layout("indented-tab", JSON.stringify(value, undefined, "\t"), "indented by tabs"),
    layout("spaced", spaced(value), "with a space after each comma and colon, as Python writes it"),
    layout("keys-sorted", JSON.stringify(sorted(value)), "with its keys sorted"),
    layout("ascii-escaped", escaped(text), "with every character beyond ASCII written as \\u…"),
    layout("slashes-escaped", text.replace(/\\?\//g, "\\/"), "with every slash written as \\/, as PHP does"),
  ];
}

/** Line breaks in what JSON.stringify writes are never within a string. */
function spaced(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/(,?)\n */g, (_, comma: string) => (comma === "" ? "" : ", "));
}

function escaped(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}
