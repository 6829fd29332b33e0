import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createGenerator } from "ts-json-schema-generator";

const ROOT = join(import.meta.dirname, "../..");

/** The keywords of JSON Schema that are generated from types. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  /** The commands that print a line. */
  readonly printedBy?: string;
}

/** `definitions` has the types of lines first, in the order of their file. */
export interface LineSchema {
  readonly $schema: string;
  readonly title: string;
  readonly description: string;
  readonly anyOf: readonly JsonSchema[];
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

/** The schema of the lines of `--json`, made from their types. It takes about two seconds. */
export function generateLineSchema(): LineSchema {
  const { Line, ...others } = definitionsOf("src/lines.ts", "Line");
  const { ErrorLine } = definitionsOf("src/reports/failure.ts", "ErrorLine");
  if (Line?.anyOf === undefined || ErrorLine === undefined) throw new Error("Line is a union of interfaces");
  const anyOf = [...Line.anyOf, { $ref: "#/definitions/ErrorLine" }];
  const all: Readonly<Record<string, JsonSchema>> = { ...others, ErrorLine };
  const names = anyOf.map(({ $ref }) => nameOf($ref));
  const shared = Object.keys(all)
    .filter((name) => !names.includes(name))
    .sort();
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A line of zoho-hooks --json",
    description:
      "A line of standard output or, for an error, of standard error. Later versions may add types, members and values.",
    anyOf,
    definitions: {
      ...Object.fromEntries(names.map((name) => [name, withVersion(all[name] ?? {})])),
      ...Object.fromEntries(shared.map((name) => [name, ordered(all[name] ?? {})])),
    },
  };
}

function definitionsOf(path: string, type: string): LineSchema["definitions"] {
  const generator = createGenerator({
    path: join(ROOT, path),
    tsconfig: join(ROOT, "tsconfig.json"),
    expose: "all",
    additionalProperties: true,
    skipTypeCheck: true,
    extraTags: ["printedBy"],
  });
  return generator.createSchema(type).definitions as LineSchema["definitions"];
}

/** The committed one. */
export function readLineSchema(): LineSchema {
  return JSON.parse(readFileSync(join(ROOT, "docs/json-schema.json"), "utf8"));
}

export function nameOf(ref: string | undefined): string {
  return ref?.replace("#/definitions/", "") ?? "";
}

/** With `v`, which is added where a line is printed. */
function withVersion({ properties: { type, ...properties } = {}, required = [], ...schema }: JsonSchema): JsonSchema {
  return ordered({
    ...schema,
    properties: { v: { type: "number", const: 1 }, ...(type === undefined ? {} : { type }), ...properties },
    required: [...new Set(["v", ...(type === undefined ? [] : ["type"]), ...required])],
  });
}

/** With the description first. The commands become a part of it, since they are no keyword. */
function ordered({ description, printedBy, ...schema }: JsonSchema): JsonSchema {
  const text = printedBy === undefined ? description : `${description}\n\nPrinted by: ${printedBy}`;
  return { ...(text === undefined ? {} : { description: text }), ...schema };
}

const MAX_WIDTH = 120;

/** JSON as the formatter leaves it: what fits is on one line. `column`: where it begins; `after`: what follows it there. */
export function formattedJson(value: unknown, indent = "", column = 0, after = ""): string {
  const line = onOneLine(value);
  const fits = column + line.length + after.length <= MAX_WIDTH;
  if (typeof value !== "object" || value === null || fits) return line;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const entries = Object.entries(value);
  const parts = entries.map(([key, each], i) => {
    const start = Array.isArray(value) ? inner : `${inner}${JSON.stringify(key)}: `;
    const comma = i < entries.length - 1 ? "," : "";
    return `${start}${formattedJson(each, inner, start.length, comma)}${comma}\n`;
  });
  return `${open}\n${parts.join("")}${indent}${close}`;
}

function onOneLine(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${onOneLine(each)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
