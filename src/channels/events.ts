import { findEvent, findFormat, findProduct, nearest } from "../contract/event-names.ts";
import { products } from "../products/index.ts";
import { usageError } from "../util/errors.ts";
import { findWatchProduct } from "./watch-products.ts";

/** Notifications say `insert` and `update` for the first two. */
const OPERATIONS = ["create", "edit", "delete", "all"];
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["update", "edit"],
  ["insert", "create"],
  ["updated", "edit"],
]);

/** The events in Zoho's form, `<Module>.<operation>`, without duplicates. Throws a usage error for anything else. */
export function normaliseEvents(names: readonly string[]): readonly string[] {
  const events = names
    .flatMap((name) => name.split(","))
    .flatMap((name) => (name.trim() === "" ? [] : [normaliseEvent(name.trim())]));
  if (events.length > 0) return [...new Set(events)];
  throw usageError("no event is given", "name at least one, such as Leads.create or Deals.all");
}

function normaliseEvent(name: string): string {
  const match = /^([\p{L}][\p{L}\p{N}_]*)\.([a-z]+)$/iu.exec(name);
  const [, module = "", verb = ""] = match ?? [];
  const lower = verb.toLowerCase();
  const operation = ALIASES.get(lower) ?? lower;
  if (match !== null && OPERATIONS.includes(operation)) return `${module}.${operation}`;
  const [near] = nearest(operation, [...OPERATIONS, ...ALIASES.keys()], 1);
  throw usageError(
    `${JSON.stringify(name)} is not a channel event`,
    near === undefined || match === null
      ? `write <Module>.<operation> with one of ${OPERATIONS.join(", ")}: Leads.create, Deals.all`
      : `did you mean ${module}.${ALIASES.get(near) ?? near}?`,
  );
}

/** Replaces each `.all` by its three events, as Zoho lists them. */
export function expandEvents(events: readonly string[]): readonly string[] {
  return [
    ...new Set(
      events.flatMap((event) =>
        event.endsWith(".all") ? ["create", "edit", "delete"].map((verb) => event.replace(/all$/, verb)) : [event],
      ),
    ),
  ];
}

/** Replaces the three events of a module by `.all`, for display. */
export function contractEvents(events: readonly string[]): readonly string[] {
  const expanded = expandEvents(events);
  const modules = [...new Set(expanded.map((event) => event.split(".")[0] ?? ""))];
  return modules.flatMap((module) => {
    const own = expanded.filter((event) => event.startsWith(`${module}.`));
    const all = expandEvents([`${module}.all`]);
    return all.every((event) => own.includes(event)) ? [`${module}.all`] : own;
  });
}

export function withoutEvents(events: readonly string[], removed: readonly string[]): readonly string[] {
  const gone = new Set(expandEvents(removed));
  return expandEvents(events).filter((event) => !gone.has(event));
}

/** A known module in Zoho's spelling, which is case-sensitive. Unknown ones may be the user's, and stay as they are. */
export function moduleName(product: string, name: string): string {
  const found = findProduct(products, product);
  const format = found && findFormat(found, "wire");
  const event = format && findEvent(format, `${name}.create`);
  return event?.name.replace(/\.create$/, "") ?? name;
}

/**
 * Reads the values of `--channel`: events, each of which may have the product before it, such as `bigin:Leads.create`. All
 * are of one product, since a run has one channel; default: crm.
 */
export function readChannelEvents(texts: readonly string[]) {
  const words = texts
    .flatMap((text) => text.split(","))
    .map((text) => /^(?:([^:]*):)?(.*)$/s.exec(text.trim()) ?? [])
    .map(([, product, name = ""]) => ({ product: product?.toLowerCase(), name }));
  const named = [...new Set(words.flatMap(({ product }) => product ?? []))];
  if (named.length > 1)
    throw usageError(
      `--channel names events of ${named.join(" and ")}, and listen creates one channel, for one product`,
      "start a second listen for the other product",
    );
  const product = findWatchProduct(named[0] ?? "crm");
  return {
    product,
    events: channelEvents(
      product.id,
      words.map(({ name }) => name),
    ),
  };
}

/** The events of a subscription, in Zoho's spelling. Throws a usage error for a malformed one. */
export function channelEvents(product: string, names: readonly string[]): readonly string[] {
  return normaliseEvents(names).map((event) => event.replace(/^[^.]+/, (module) => moduleName(product, module)));
}
