import { type JsonSchema, type LineSchema, nameOf } from "./line-schema.ts";

/** An item of a list. Members with the same type and meaning share one. */
interface Item {
  readonly names: string;
  /** Type and meaning. */
  readonly text: string;
}

/** The types of lines as Markdown: a heading, what the line is, and a list of its members for each. */
export function lineMembers({ anyOf, definitions }: LineSchema): string {
  const writer = new TypeWriter(definitions);
  return anyOf.map(({ $ref }) => writer.section(definitions[nameOf($ref)] ?? {})).join("\n");
}

class TypeWriter {
  readonly #definitions: LineSchema["definitions"];
  /** Where the members of a type are listed already. */
  readonly #shown = new Map<JsonSchema, string>();

  constructor(definitions: LineSchema["definitions"]) {
    this.#definitions = definitions;
  }

  section(line: JsonSchema): string {
    const { v: _, type, ...properties } = line.properties ?? {};
    const title = type === undefined ? "Errors" : `\`${type.const}\``;
    const [text = "", commands] = (line.description ?? "").split("\n\nPrinted by: ");
    const items = merged(this.#items({ ...line, properties }, "", title));
    return [
      `### ${title}`,
      "",
      commands === undefined ? text : `${text} Printed by ${commandList(commands)}.`,
      "",
      ...items.map(({ names, text }) => `- ${names} ${text}`),
      "",
    ].join("\n");
  }

  /** The members that are always there first. `path`: what stands in front of their names; `title`: the line that they are in. */
  #items({ properties = {}, required = [] }: JsonSchema, path: string, title: string): readonly Item[] {
    const isOptional = (key: string) => !required.includes(key);
    const keys = Object.keys(properties).sort((a, b) => Number(isOptional(a)) - Number(isOptional(b)));
    return keys.flatMap((key) => {
      const member = properties[key] ?? {};
      const name = `${path}${key}`;
      const names = `\`${name}${isOptional(key) ? "?" : ""}\``;
      const text = this.#textOf(member);
      const [suffix, object] = this.#objectIn(member);
      if (object === undefined || this.#isPartOf(object, properties)) return [{ names, text }];
      const place = this.#shown.get(object);
      if (place !== undefined) return [{ names, text: `${text} As ${place}.` }];
      this.#shown.set(object, `\`${name}\` of ${title}`);
      return [{ names, text }, ...this.#items(object, `${name}${suffix}.`, title)];
    });
  }

  #textOf(member: JsonSchema): string {
    const type = `(${this.#typeOf(member)})`;
    return member.description === undefined ? type : `${type}: ${member.description.replaceAll("\n", " ")}`;
  }

  #typeOf(schema: JsonSchema): string {
    const { anyOf, items, additionalProperties, properties, format } = schema;
    if (schema.$ref !== undefined) return this.#typeOf(this.#resolve(schema));
    if (anyOf !== undefined) return anyOf.map((each) => this.#typeOf(each)).join(" or ");
    if (schema.enum !== undefined) return valueList(schema.enum);
    if (schema.const !== undefined) return valueList([schema.const]);
    if (schema.type === "array") return isTuple(items) ? "pair" : `list of ${plural(this.#typeOf(items ?? {}))}`;
    if (properties === undefined && typeof additionalProperties === "object")
      return `map of ${plural(this.#typeOf(additionalProperties))}`;
    if (format === "date-time") return "time";
    return [schema.type ?? "any JSON"].flat().join(" or ");
  }

  /** The object with members that a value is or contains, and how a path leads to it. */
  #objectIn(schema: JsonSchema): readonly [suffix: string, object: JsonSchema | undefined] {
    const resolved = this.#resolve(schema);
    const { anyOf, items, additionalProperties, properties } = resolved;
    if (properties !== undefined) return ["", resolved];
    const [either] = anyOf?.filter(({ type }) => type !== "null") ?? [];
    if (either !== undefined) return this.#objectIn(either);
    const [inner, own] = isTuple(items) || items === undefined ? [additionalProperties, ".<name>"] : [items, "[]"];
    if (typeof inner !== "object") return ["", undefined];
    const [suffix, object] = this.#objectIn(inner);
    return [`${own}${suffix}`, object];
  }

  /** Whether all members of an object are beside it as well, as the counts of each product are beside those of all. */
  #isPartOf(object: JsonSchema, properties: Readonly<Record<string, JsonSchema>>): boolean {
    const members = Object.entries(object.properties ?? {});
    return members.every(([key, member]) => JSON.stringify(member) === JSON.stringify(properties[key]));
  }

  #resolve(schema: JsonSchema): JsonSchema {
    return schema.$ref === undefined ? schema : (this.#definitions[nameOf(schema.$ref)] ?? {});
  }
}

function merged(items: readonly Item[]): readonly Item[] {
  const all: Item[] = [];
  for (const { names, text } of items) {
    const last = all.at(-1);
    if (last?.text === text) all.splice(-1, 1, { names: `${last.names}, ${names}`, text });
    else all.push({ names, text });
  }
  return all;
}

function isTuple(items: JsonSchema["items"]): items is readonly JsonSchema[] {
  return Array.isArray(items);
}

function commandList(commands: string): string {
  return commands
    .split(", ")
    .map((name) => (/^(?:any|every) /.test(name) ? name : `\`${name}\``))
    .join(", ");
}

function valueList(values: readonly unknown[]): string {
  const named = values.filter((value) => value !== null).map((value) => `\`${value}\``);
  return `${named.join(", ")}${values.includes(null) ? " or null" : ""}`;
}

function plural(type: string): string {
  return /^(?:string|number|object|pair)$/.test(type) ? `${type}s` : type;
}
