import { editDistance, eventNames, nearest } from "./event-names.ts";
import type { Format, Product } from "./product.ts";

/** Words that one product uses for what another calls by the first of them. */
const SAME: readonly (readonly [word: string, others: RegExp])[] = [
  ["add", /created?|added|insert(ed)?|new/g],
  ["update", /updated|edit(ed)?|modified|changed?/g],
  ["delete", /deleted|removed?|trash(ed)?/g],
  ["submit", /submitted/g],
  ["complete", /completed|finished|done/g],
  ["reject", /rejected|declined?/g],
  ["sign", /signed|signingsuccess/g],
  ["request", /envelope|document/g],
];

/** A word as long as this tells by itself what happened: `Completed`. */
const LONG_ENOUGH = 6;

/**
 * The events that an unknown name most likely means, best first: `ticket.created` is Desk's `Ticket_Add`. Those of
 * its own format go before the other formats of the product.
 */
export function nearestEvents(product: Pick<Product, "formats">, format: Format, name: string): readonly string[] {
  const own = nearestOf(eventNames(format), name);
  if (own.length > 0) return own;
  const others = new Set(product.formats.flatMap((each) => eventNames(each)));
  // Nothing is nearer than the name itself: see `otherEnvelope`.
  return others.has(name) ? [] : nearestOf([...others], name);
}

/** What to look at where the name is right, and the envelope is not the one that such an event comes in. */
export function otherEnvelope(product: Pick<Product, "id" | "formats">, name: string): string | undefined {
  const format = product.formats.find((each) => eventNames(each).includes(name));
  if (format === undefined) return undefined;
  return `${name} comes in another envelope: \`zoho-hooks send ${product.id} ${name} --format ${format.id} --dry-run\` shows it`;
}

function nearestOf(names: readonly string[], name: string): readonly string[] {
  const wanted = plainName(name);
  const meant = names.filter((each) => {
    const plain = plainName(each);
    return plain === wanted || wanted.endsWith(plain) || (wanted.length >= LONG_ENOUGH && plain.endsWith(wanted));
  });
  return [...new Set([...meant, ...nearest(name, names)])].slice(0, 3);
}

/** Without case, separators and the product's choice of verb. */
function plainName(name: string): string {
  const words = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return SAME.reduce((text, [word, others]) => text.replace(others, word), words);
}

/** A name that is taken as it is written, for users have modules of their own, but looks like a known one. */
interface MistypedModule {
  readonly module: string;
  readonly near: string;
  /** One letter away, as singular and plural are: nobody names a module of their own so. */
  readonly isSlip: boolean;
}

const FAMILY = /^<[A-Za-z]+>(?=\.)/;

/** Looks at the part before the first dot of an event or of a pattern for some: `Lead.create`, `Lead.*`. */
export function mistypedModule(products: readonly Product[], name: string): MistypedModule | undefined {
  const module = /^([\p{L}_][\p{L}\p{N}_]*)\./u.exec(name)?.[1];
  if (module === undefined) return undefined;
  const events = products.flatMap(({ formats }) => formats.flatMap((format) => format.events));
  const known = new Set(
    events.flatMap((event) => (FAMILY.test(event.name) ? event.members : (event.name.split(".", 1) as string[]))),
  );
  const wanted = plainModule(module);
  if ([...known].some((each) => each.toLowerCase() === module.toLowerCase())) return undefined;
  const distance = (each: string): number => editDistance(plainModule(each), wanted);
  const near = [...known].find((each) => distance(each) <= (wanted.length < 8 ? 1 : 2));
  if (near === undefined || !events.some((event) => event.members.includes(near))) return undefined;
  return { module, near, isSlip: distance(near) <= 1 };
}

/** `Price_Books` and `PriceBooks` are one name to a person. */
function plainModule(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}
