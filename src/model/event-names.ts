import { checkTarget } from "../delivery/target.ts";
import { usageError } from "../util/errors.ts";
import { defaultFormat, type Format, type Product, type WebhookEvent } from "./product.ts";

/** An event of a format under the concrete name that a delivery or a user gave it. */
export interface EventMatch {
  readonly event: WebhookEvent;
  /** `Leads.create`, also where the event is the family `<Module>.create`. */
  readonly name: string;
  /** The value of the family's placeholder: `Leads`. */
  readonly member?: string;
}

/** Anybody can post a name of a megabyte, and comparing it with those of all formats takes a second. */
export const MAX_NAME_LENGTH = 10_000;

const PLACEHOLDER = /<([A-Za-z]+)>/;

/** Finds an event by name, whatever its case. A fixed name wins over a family. */
export function findEvent(format: Format, name: string): EventMatch | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  const { byName, families } = eventIndex(format);
  const named = byName.get(name.toLowerCase());
  if (named !== undefined) return { event: named, name: named.name };
  for (const family of families) {
    const member = memberOf(family, name);
    const { event } = family;
    if (member !== undefined) return { event, name: event.name.replace(PLACEHOLDER, () => member), member };
  }
  return undefined;
}

/** A member for the name of a family, `<Module>.create`; undefined for the name of an event. */
export function familyExample({ event, name }: EventMatch): string | undefined {
  const [member = "…"] = event.members;
  return PLACEHOLDER.test(name) ? name.replace(PLACEHOLDER, () => member) : undefined;
}

/** A family of any name at all, such as that of Signals. */
const ANY_NAME = /^<[A-Za-z]+>$/;

/** Whether a format has an event of that name. A family of any name counts only for a named product or a known name. */
export function isNamed(format: Format, name: string, ofAnyProduct: boolean): boolean {
  const match = findEvent(format, name);
  if (match === undefined || !ofAnyProduct || !ANY_NAME.test(match.event.name)) return match !== undefined;
  return match.event.members.includes(match.name);
}

interface EventIndex {
  /** Events by name in lower case; the first of two with the same name. */
  readonly byName: ReadonlyMap<string, WebhookEvent>;
  readonly families: readonly Family[];
}

/** A family with the parts of its name around the placeholder, in lower case. */
interface Family {
  readonly event: WebhookEvent;
  readonly before: string;
  readonly after: string;
}

const indexes = new WeakMap<Format, EventIndex>();

function eventIndex(format: Format): EventIndex {
  const known = indexes.get(format);
  if (known !== undefined) return known;
  const made = {
    byName: new Map(format.events.toReversed().map((event) => [event.name.toLowerCase(), event])),
    families: format.events.flatMap((event) => familyOf(event) ?? []),
  };
  indexes.set(format, made);
  return made;
}

function familyOf(event: WebhookEvent): Family | undefined {
  const [before = "", , after] = event.name.toLowerCase().split(PLACEHOLDER);
  return after === undefined ? undefined : { event, before, after };
}

/** Tried first: compiling the Unicode pattern takes longer than receiving a delivery. */
const PLAIN_NAME = /^[A-Za-z_]\w*$/;

/** The value of the placeholder in a family's name: `Leads` in `leads.create`, in its right case where it is known. */
export function familyMember(event: WebhookEvent, name: string): string | undefined {
  const family = familyOf(event);
  return family && memberOf(family, name);
}

function memberOf({ event, before, after }: Family, name: string): string | undefined {
  const lower = name.toLowerCase();
  if (!lower.startsWith(before) || !lower.endsWith(after)) return undefined;
  const member = name.slice(before.length, name.length - after.length);
  if (!PLAIN_NAME.test(member) && !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(member)) return undefined;
  const wanted = member.toLowerCase();
  return event.members.find((known) => known.toLowerCase() === wanted) ?? member;
}

/** All event names of a format; those of a family with its known members. */
export function eventNames(format: Format): readonly string[] {
  const names = format.events.flatMap((event) =>
    event.members.length === 0
      ? [event.name]
      : event.members.map((member) => event.name.replace(PLACEHOLDER, () => member)),
  );
  return [...new Set(names)];
}

/** Today's names of products whose id is an older one, which the Webhooks Guide has. */
const OTHER_NAMES: Readonly<Record<string, string>> = { billing: "subscriptions" };

/** The id of a product that is given by another name, whatever its case; any other text as it is. */
export function productId(name: string): string {
  return Object.entries(OTHER_NAMES).find(([other]) => other === name.toLowerCase())?.[1] ?? name;
}

/** The id of a product and its other names. */
export function productNames(id: string): readonly string[] {
  return [id, ...Object.keys(OTHER_NAMES).filter((other) => OTHER_NAMES[other] === id)];
}

/** By its id or another name. */
export function findProduct(products: readonly Product[], name: string): Product | undefined {
  const id = productId(name).toLowerCase();
  return products.find((product) => product.id === id);
}

export function findFormat(product: Product, id: string): Format | undefined {
  return product.formats.find((format) => format.id === id.toLowerCase());
}

/** Tells whether the body of an event of the log is custom. */
export function isCustomEvent(
  products: readonly Product[],
  { product: id = "", format: formatId = "", event = "" }: EventOfLog,
) {
  const product = findProduct(products, id);
  const format = product && findFormat(product, formatId);
  return format !== undefined && findEvent(format, event)?.event.custom === true;
}

interface EventOfLog {
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
}

/** The default format, or for an event that only others have the first of those. */
export function formatFor(product: Product, event: string | undefined): Format | undefined {
  const usual = defaultFormat(product);
  if (usual === undefined || event === undefined || findEvent(usual, event) !== undefined) return usual;
  return product.formats.find((format) => findEvent(format, event) !== undefined) ?? usual;
}

/** The candidates nearest to a mistyped word, best first. Empty when none is near. */
export function nearest(word: string, candidates: readonly string[], count = 3): readonly string[] {
  const wanted = word.toLowerCase();
  const limit = (candidate: string): number => Math.max(2, Math.floor(Math.max(wanted.length, candidate.length) / 3));
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= limit(candidate))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** The id nearest to a mistyped one, or the id for a word of the product's title: `catalyst`. */
export function nearestProduct(products: readonly Product[], word: string): string | undefined {
  const ids = products.map(({ id }) => id);
  const [near] = nearest(word, ids, 1);
  if (near !== undefined || /^zoho$/i.test(word)) return near;
  const words = ({ title }: Product): readonly string[] => title.toLowerCase().match(/[a-z]+/g) ?? [];
  return products.find((product) => words(product).includes(word.toLowerCase()))?.id;
}

/** A module that is a custom one as it is written, but looks like a known one. */
interface MistypedModule {
  readonly module: string;
  readonly near: string;
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
  return { module, near };
}

/** `Price_Books` and `PriceBooks` are one name to a person. */
function plainModule(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Damerau–Levenshtein distance (adjacent swaps count one). */
function editDistance(a: string, b: string): number {
  if (a.length > 200 || b.length > 200) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** `crm:Leads.*`, `desk:*`, `Leads.create` (of any product). Case does not matter. */
export interface EventPattern {
  readonly text: string;
  matches(product: string | null | undefined, event: string | null | undefined): boolean;
}

export function eventPattern(text: string, setting?: string): EventPattern {
  const { product, event } = patternParts(text);
  if (product?.trim() === "" || event.trim() === "") {
    throw usageError(
      `${setting === undefined ? "" : `${setting}: `}the event pattern ${JSON.stringify(text)} is empty`,
      "write it as product:event, such as crm:Leads.* or desk:*",
    );
  }
  const [products, events] = [glob(product ?? "*"), glob(event)];
  return { text, matches: (p, e) => products(p ?? "") && events(e ?? "") };
}

/** Splits `crm:Leads.*`; no product stands for any. */
export function patternParts(text: string): { readonly product: string | undefined; readonly event: string } {
  const at = text.indexOf(":");
  if (at === -1) return { product: undefined, event: text };
  return { product: productId(text.slice(0, at)), event: text.slice(at + 1) };
}

/** Joins patterns, each of which may be a comma-separated list. An empty list matches everything. */
export function eventPatterns(texts: readonly string[]): EventPattern {
  const patterns = texts.flatMap((text) => text.split(",")).map((text) => eventPattern(text.trim()));
  return {
    text: patterns.map((pattern) => pattern.text).join(", "),
    matches: (product, event) => patterns.length === 0 || patterns.some((pattern) => pattern.matches(product, event)),
  };
}

/**
 * `*` stands for any run of characters, `?` for one. Only the last star backtracks: a regular expression with a few stars
 * would take half a minute on a name of 60,000 dots, which anybody can post.
 */
function glob(pattern: string): (text: string) => boolean {
  const wanted = pattern.toLowerCase();
  if (/^\*+$/.test(wanted)) return () => true;
  return (text) => {
    const given = text.toLowerCase();
    let [at, next] = [0, 0];
    let [star, afterStar] = [-1, 0];
    while (at < given.length) {
      if (wanted[next] === "*") {
        star = next++;
        afterStar = at;
      } else if (wanted[next] === "?" || wanted[next] === given[at]) {
        next++;
        at++;
      } else if (star !== -1) {
        next = star + 1;
        at = ++afterStar;
      } else return false;
    }
    while (wanted[next] === "*") next++;
    return next === wanted.length;
  };
}

/** `crm:Leads.*=http://localhost:3000/leads` */
interface EventRoute {
  readonly pattern: EventPattern;
  readonly target: string;
}

/** Throws a usage error that names the `setting`, a flag or variable. */
export function parseRoute(text: string, setting: string): EventRoute {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) {
    throw usageError(
      `${setting}: ${JSON.stringify(text)} is not a route`,
      "write it as 'crm:Leads.*=http://localhost:3000/leads'",
    );
  }
  const target = text.slice(at + 1);
  checkTarget(target, setting);
  return { pattern: eventPattern(text.slice(0, at), setting), target };
}
