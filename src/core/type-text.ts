import type { Shape, TypeWord } from "./shape.ts";

/** A shape as a TypeScript type. `indent` is that of the line it begins on. */
export function typeText(shape: Shape, indent = ""): string {
  if (shape.any) return "unknown";
  const words = [...shape.types].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const literals = shape.literals
    .filter((value) => value === null || !shape.types.has(literalWord(value)))
    .map((value) => JSON.stringify(value));
  const parts = [...literals, ...words.map((word) => wordText(word, shape, indent))];
  return [...new Set(parts)].join(" | ") || "never";
}

const ORDER: readonly TypeWord[] = ["object", "array", "string", "number", "boolean", "null"];

function literalWord(value: string | number | boolean): TypeWord {
  return typeof value === "string" ? "string" : typeof value === "number" ? "number" : "boolean";
}

function wordText(word: TypeWord, shape: Shape, indent: string): string {
  if (word === "object") return objectText(shape, indent);
  if (word !== "array") return word;
  const element = shape.element === undefined ? "unknown" : typeText(shape.element, indent);
  return `Array<${element}>`;
}

function objectText({ fields, rest }: Shape, indent: string): string {
  const inner = `${indent}  `;
  const lines = [...fields].map(
    ([name, { shape, optional }]) => `${inner}${fieldName(name)}${optional ? "?" : ""}: ${typeText(shape, inner)};`,
  );
  // Beside named fields an index has to hold for those too.
  if (rest !== undefined)
    lines.push(`${inner}[field: string]: ${fields.size > 0 ? "unknown" : typeText(rest, inner)};`);
  return lines.length === 0 ? "Record<string, never>" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** A name as it may stand before a colon. */
export function fieldName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
