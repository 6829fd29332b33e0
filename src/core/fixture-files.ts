import { type EventMatch, familyMember } from "./event-name.ts";
import type { Format, Product } from "./product.ts";

/** Where an event's fixture may lie. */
export interface FixtureFile {
  /** Below a folder of fixtures, with `/`: `crm/guide/Leads.create.json`. A valid file name on every platform. */
  readonly path: string;
  /** Its name alone, for a folder that belongs to one product. */
  readonly name: string;
  /** Fills what the file leaves open: a family's template says `{Module}` where the module's name goes. */
  fill(text: string): string;
}

/**
 * The places to look for an event's fixture, best first: its own file, then the template of its family
 * (`crm/guide/{Module}.create.json` for `<Module>.create`; braces, since Windows has no `<` in file names).
 */
export function fixtureFiles(
  product: Pick<Product, "id">,
  format: Pick<Format, "id" | "events">,
  match: Pick<EventMatch, "name">,
): readonly [FixtureFile, ...FixtureFile[]] {
  const file = (name: string, fill: FixtureFile["fill"]): FixtureFile => ({
    path: `${product.id}/${format.id}/${fileName(name)}.json`,
    name: `${fileName(name)}.json`,
    fill,
  });
  const templates = format.events.flatMap((event) => {
    const member = familyMember(event, match.name);
    if (member === undefined) return [];
    const [placeholder = ""] = /\{\w+\}/.exec(templateName(event.name)) ?? [];
    return [file(templateName(event.name), (text) => text.replaceAll(placeholder, () => member))];
  });
  return [file(match.name, (text) => text), ...templates];
}

/** An event's name as that of a file, without its end. Windows takes `CON.create` for a device; no event has a `~`. */
export function fileName(name: string): string {
  return name.replace(/^(?:con|prn|aux|nul|(?:com|lpt)\d)(?=\.|$)/i, "$&~");
}

/** `{Module}.create` for the family `<Module>.create`; other names as they are. */
function templateName(name: string): string {
  return name.replace(/<(\w+)>/g, "{$1}");
}
