import type { Shape } from "./shape.ts";
import { fieldName, typeText } from "./type-text.ts";

/** One event whose payload gets a type. */
export interface TypedEvent {
  readonly product: string;
  readonly format: string;
  /** `Leads.create`; `<Module>.create` for a whole family. */
  readonly name: string;
  readonly summary: string;
  readonly shape: Shape;
  /** How many deliveries the type was widened by. */
  readonly deliveries: number;
}

/** How such a file begins, by which one that may be written anew is told from any other. */
export const FIRST_LINE =
  "// Written by zoho-hooks types. Written anew when the command runs again: change it elsewhere.";

/** A module of declarations: a type an event, and all of them in `ZohoEvents` by product, format and event. */
export function eventTypeFile(events: readonly TypedEvent[]): string {
  const names = uniqueNames(events);
  const types = events.map((event, i) => {
    const seen = event.deliveries === 0 ? "" : ` With what ${event.deliveries} received had.`;
    const title = commentText(`${event.product} ${event.name} (${event.format}): ${event.summary}.${seen}`);
    return `/** ${title} */\nexport type ${names[i]} = ${typeText(event.shape)};\n`;
  });
  const index = [...grouped(events, ({ product }) => product)].flatMap(([product, ofProduct]) => [
    `  ${fieldName(product)}: {`,
    ...[...grouped(ofProduct, ({ format }) => format)].flatMap(([format, ofFormat]) => [
      `    ${fieldName(format)}: {`,
      ...ofFormat.map((event) => `      ${fieldName(event.name)}: ${names[events.indexOf(event)]};`),
      "    };",
    ]),
    "  };",
  ]);
  return `${[
    FIRST_LINE,
    "// Ids and other numbers that a JavaScript number cannot hold are text, as zoho-hooks reads them.",
    "",
    ...types,
    '/** The payload of an event: `ZohoEvents["crm"]["guide"]["Leads.create"]`. */',
    "export interface ZohoEvents {",
    ...index,
    "}",
  ].join("\n")}\n`;
}

/** `CrmGuideLeadsCreate`. Names that would come out the same are numbered. */
function uniqueNames(events: readonly TypedEvent[]): readonly string[] {
  const taken = new Set<string>();
  return events.map(({ product, format, name }) => {
    const base = pascal(`${product} ${format} ${name}`);
    let unique = base;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${base}${n}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

function pascal(text: string): string {
  return text
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function commentText(text: string): string {
  return text.replaceAll("*/", "* /").replace(/\s+/g, " ");
}
