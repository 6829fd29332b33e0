import { type JsonNode, parseJson, scanJson } from "./json-text.ts";

/** A number of more digits than a JavaScript number is sure to keep, such as an id: written again as it stood. */
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  /** For what writes JSON in another way than `writeJson`: text keeps the digits, too. */
  toJSON(): string {
    return this.digits;
  }

  toString(): string {
    return this.digits;
  }
}

/** The data of a valid JSON text, in which what `parseJson` makes a text of its digits is still known to be a number. */
export function readExact(text: string): unknown {
  const parsed = parseJson(text);
  return parsed.ok ? exact(parsed.value, scanJson(text)) : undefined;
}

function exact(value: unknown, node: JsonNode): unknown {
  if (node.kind === "number" && typeof value === "string") return new ExactNumber(value);
  if (node.kind !== "object" && node.kind !== "array") return value;
  // Of duplicate keys the last one counts, as it does for JSON.parse.
  const members = node.children.map(({ key, node: child }) => [key, exact(Reflect.get(Object(value), key), child)]);
  return node.kind === "array" ? members.map(([, each]) => each) : Object.fromEntries(members);
}

/** Compact JSON in key order, as `JSON.stringify` writes it, but for exact numbers. Of data as JSON has it. */
export function writeJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${writeJson(each)}`).join(",")}}`;
}
