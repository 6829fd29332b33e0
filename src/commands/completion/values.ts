import { eventNames, findProduct } from "../../model/event-names.ts";
import type { Product } from "../../model/product.ts";
import { TUNNELS } from "../../project/settings.ts";

export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

export interface Values {
  readonly suggestions: readonly Suggestion[];
  /** A file name fits too; shells complete those themselves. */
  readonly files: boolean;
}

interface Wanted {
  /** The name of an argument or of a flag's value: `product`, `event`, `file`, or alternatives: `add|add_edit|delete`. */
  readonly placeholder: string;
  readonly choices: readonly string[] | undefined;
  /** The product and the format that are named earlier in the line. */
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The command, or its group: an event of `channels` is not an event of `send`. */
  readonly group: string;
}

export function suggestValues(wanted: Wanted, products: readonly Product[], word: string): Values {
  const { placeholder, choices } = wanted;
  const alternatives = choices ?? placeholder.split("|");
  const plain = choices ?? (alternatives.length > 1 ? alternatives.filter((each) => !isFile(each)) : undefined);
  const values = plain?.map((value) => ({ value, description: "" })) ?? placeholderValues(wanted, products, word);
  // Names are accepted in any case, so they are completed in any case.
  const start = word.toLowerCase();
  const matching = values.filter(({ value }) => value.toLowerCase().startsWith(start));
  const suggestions = [...new Map(matching.map((each) => [each.value, each])).values()];
  return { suggestions, files: choices === undefined && alternatives.some(isFile) };
}

function isFile(placeholder: string): boolean {
  return /^(file|path|folder)s?$/.test(placeholder);
}

function placeholderValues(wanted: Wanted, products: readonly Product[], word: string): readonly Suggestion[] {
  const { placeholder, group, product, format } = wanted;
  switch (placeholder) {
    case "tunnel":
      return TUNNELS.map((value) => ({ value, description: "" }));
    case "product":
      return productValues(products);
    case "products":
      return inList(productValues(products), word);
    case "event":
      if (group === "channels") return channelEvents(wanted, products);
      // Each product's API has its own names.
      return group === "webhooks" ? [] : eventValues(named(products, product), format);
    case "events":
      return inList(channelEvents(wanted, products), word);
    case "format":
      return formatValues(named(products, product));
    case "pattern":
    case "event=count":
    case "event=target":
      return patternValues(products, word);
    default:
      return [];
  }
}

/** The product of this name, or all where none is named. */
function named(products: readonly Product[], name: string | undefined): readonly Product[] {
  return name === undefined ? products : [findProduct(products, name) ?? []].flat();
}

function productValues(products: readonly Product[]): readonly Suggestion[] {
  return products.map(({ id, title }) => ({ value: id, description: title }));
}

function formatValues(products: readonly Product[]): readonly Suggestion[] {
  return products.flatMap(({ formats }) => formats.map(({ id, source }) => ({ value: id, description: source })));
}

function eventValues(products: readonly Product[], formatId?: string): readonly Suggestion[] {
  return products.flatMap(({ title, formats }) =>
    formats
      .filter(({ id }) => formatId === undefined || id === formatId.toLowerCase())
      .flatMap((format) => {
        const summaries = new Map(format.events.map(({ name, summary }) => [name, summary]));
        const names = eventNames(format).filter((name) => !name.includes("<"));
        return names.map((value) => ({ value, description: summaries.get(value) ?? title }));
      }),
  );
}

/** The events that a channel can subscribe to: those of its notifications, and all events of a module. */
function channelEvents({ product = "crm" }: Wanted, products: readonly Product[]): readonly Suggestion[] {
  const events = eventValues(named(products, product), "wire");
  const modules = new Set(events.map(({ value }) => value.replace(/\.\w+$/, "")));
  const all = [...modules].map((module) => ({ value: `${module}.all`, description: "All events of the module" }));
  return [...events, ...all];
}

/** First the product, then its events: all of them at once are too many to read. */
function patternValues(products: readonly Product[], word: string): readonly Suggestion[] {
  const [id = "", event] = word.split(":", 2);
  if (event === undefined) return products.map((each) => ({ value: `${each.id}:`, description: each.title }));
  return named(products, id).flatMap((product) => {
    const all = { value: "*", description: `every event of ${product.title}` };
    return withPrefix(`${product.id}:`, [all, ...eventValues([product])]);
  });
}

/** The next item of a list with commas. */
function inList(suggestions: readonly Suggestion[], word: string): readonly Suggestion[] {
  return withPrefix(word.slice(0, word.lastIndexOf(",") + 1), suggestions);
}

function withPrefix(prefix: string, suggestions: readonly Suggestion[]): readonly Suggestion[] {
  return suggestions.map(({ value, description }) => ({ value: prefix + value, description }));
}
