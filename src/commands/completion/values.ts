import { eventNames, findFormat, findProduct } from "../../core/event-names.ts";
import type { Product } from "../../core/product.ts";

export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

export interface Values {
  readonly suggestions: readonly Suggestion[];
  /** The name of a file fits too; shells complete those themselves. */
  readonly files: boolean;
}

/** What is to be named: the name of an argument or of a flag's value says what it holds. */
interface Wanted {
  /** `product`, `event`, `file`; words with `|` between them stand for themselves: `generate|none|file`. */
  readonly placeholder: string;
  readonly choices: readonly string[] | undefined;
  /** Given earlier in the line. */
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The command, of a group of commands the group: an event of `channels` is another thing than one of `send`. */
  readonly group: string;
}

/** `file` of `--data <file>`; empty for a flag without a value. */
export function placeholderOf(flags: string): string {
  return /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(flags)?.[1] ?? "";
}

export function suggestValues(wanted: Wanted, products: readonly Product[], word: string): Values {
  const { placeholder, choices } = wanted;
  if (choices !== undefined) return offer(choices.map(plainValue), word);
  if (placeholder.includes("|")) {
    const words = placeholder.split("|");
    return { ...offer(words.filter((each) => !isFile(each)).map(plainValue), word), files: words.some(isFile) };
  }
  switch (placeholder) {
    case "product":
      return offer(productValues(products), word);
    case "products":
      return offer(listed(productValues(products), word), word);
    case "event":
      if (wanted.group === "channels") return offer(channelEvents(wanted, products), word);
      // These are called as each product's API calls them.
      if (wanted.group === "webhooks") return { suggestions: [], files: false };
      return offer(eventValues(meantProducts(wanted, products), wanted.format), word);
    case "format":
      return offer(formatValues(meantProducts(wanted, products)), word);
    case "formats": {
      // A format, or one of a product: `crm=wire`; with commas as above.
      const done = word.slice(0, word.lastIndexOf(",") + 1);
      const of = /([^,=]+)=[^,]*$/.exec(word)?.[1];
      const values = formatValues(meantProducts({ ...wanted, product: of ?? wanted.product }, products));
      const start = of === undefined ? done : `${done}${of}=`;
      return offer(
        values.map((each) => ({ ...each, value: start + each.value })),
        word,
      );
    }
    case "events":
      return offer(listed(channelEvents(wanted, products), word), word);
    case "pattern":
    case "event=count":
    case "event=target":
      return offer(patternValues(products), word);
    default:
      return { suggestions: [], files: isFile(placeholder) };
  }
}

function isFile(placeholder: string): boolean {
  return /^(file|path|folder)s?$/.test(placeholder);
}

function meantProducts({ product }: Wanted, products: readonly Product[]): readonly Product[] {
  if (product === undefined) return products;
  const found = findProduct(products, product);
  return found === undefined ? [] : [found];
}

function productValues(products: readonly Product[]): readonly Suggestion[] {
  return products.map(({ id, title }) => ({ value: id, description: title }));
}

function formatValues(products: readonly Product[]): readonly Suggestion[] {
  return products.flatMap(({ formats }) => formats.map(({ id, source }) => ({ value: id, description: source })));
}

function eventValues(products: readonly Product[], format: string | undefined): readonly Suggestion[] {
  return products.flatMap((product) => {
    const chosen =
      format === undefined ? product.formats : [findFormat(product, format)].filter((each) => each !== undefined);
    return chosen.flatMap((each) => {
      const summaries = new Map(each.events.map(({ name, summary }) => [name, summary]));
      const names = eventNames(each).filter((name) => !name.includes("<"));
      return names.map((value) => ({ value, description: summaries.get(value) ?? product.title }));
    });
  });
}

/** In a list with commas what stands before the last one is kept. */
function listed(suggestions: readonly Suggestion[], word: string): readonly Suggestion[] {
  const done = word.slice(0, word.lastIndexOf(",") + 1);
  return suggestions.map((each) => ({ ...each, value: done + each.value }));
}

/** What a channel can be subscribed to: what its notifications tell of, and all that happens in a module. */
function channelEvents({ product = "crm" }: Wanted, products: readonly Product[]): readonly Suggestion[] {
  const told = eventValues(
    products.filter(({ id }) => id === product),
    "wire",
  );
  const modules = new Set(told.map(({ value }) => value.replace(/\.\w+$/, "")));
  const all = [...modules].map((module) => ({ value: `${module}.all`, description: "Whatever happens in the module" }));
  return [...told, ...all];
}

function patternValues(products: readonly Product[]): readonly Suggestion[] {
  return products.flatMap((product) => [
    { value: `${product.id}:*`, description: `every event of ${product.title}` },
    ...eventValues([product], undefined).map((each) => ({ ...each, value: `${product.id}:${each.value}` })),
  ]);
}

function plainValue(value: string): Suggestion {
  return { value, description: "" };
}

/** Names are known whatever their case, so they are completed that way too. */
function offer(suggestions: readonly Suggestion[], word: string): Values {
  const start = word.toLowerCase();
  const fitting = new Map(
    suggestions.filter(({ value }) => value.toLowerCase().startsWith(start)).map((each) => [each.value, each]),
  );
  return { suggestions: [...fitting.values()], files: false };
}
