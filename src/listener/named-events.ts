import { eventNames, eventPattern, isNamed, nearest, patternParts } from "../model/event-names.ts";
import type { Format, Product } from "../model/product.ts";
import { patternProducts, requireKnownEvent, warnOfMistypedModules } from "../own-products/project-products.ts";
import type { Config } from "../project/load.ts";
import { shortValue } from "../util/text.ts";
import type { ListenContext } from "./lines.ts";
import type { Registration } from "./registrations.ts";

/** What flags name beside the settings. */
interface NamingOptions {
  readonly expect: readonly string[] | undefined;
  readonly registrations: readonly Registration[];
}

/** Warns of events in flags and settings that would never arrive since they are mistyped. */
export function checkNamedEvents(
  context: ListenContext,
  config: Config,
  products: readonly Product[],
  options: NamingOptions,
): void {
  const named = namedEvents(config, options);
  warnOfUnknownEvents(context, products, named);
  const channels = options.registrations
    .filter(({ kind }) => kind === "channel")
    .flatMap(({ product, events }) => events.map((event) => `${product.id}:${event}`));
  warnOfMistypedModules(context, products, [...named.map(({ text }) => text), ...channels]);
}

/** An event or a pattern of events that the user has written. */
interface NamedEvents {
  readonly text: string;
  /** The flag, or the setting and where it is set. */
  readonly where: string;
  /** The consequence if there is no such event; undefined where that is an error. */
  readonly effect: string | undefined;
}

/** The events that flags and settings name. */
function namedEvents(
  { settings, origins }: Config,
  { expect = [] }: Pick<NamingOptions, "expect">,
): readonly NamedEvents[] {
  const named = (where: string, texts: readonly string[], effect?: string): readonly NamedEvents[] =>
    texts.map((text) => ({ where, text: text.replace(/=.*$/s, ""), effect }));
  const source = (flag: string, key: "events" | "routes"): string =>
    origins[key] === "flag" ? flag : `${key} in ${origins[key]}`;
  const { routes, events } = settings;
  return [
    ...named("--expect", expect),
    ...named(source("--route", "routes"), routes, "the route applies only if an event of that name arrives"),
    ...named(source("--events", "events"), listed(events), "--events shows and forwards only events of that name"),
  ];
}

function listed(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}

/**
 * A mistyped event would never arrive. An unknown product is an error; an unknown event may be the user's own, except where
 * a run waits for it.
 */
function warnOfUnknownEvents(
  context: ListenContext,
  products: readonly Product[],
  patterns: readonly NamedEvents[],
): void {
  for (const { text, where, effect } of patterns) {
    const named = patternProducts(products, text, where);
    const { product: id, event: name } = patternParts(text);
    const formats = named.flatMap((each) => each.formats);
    const isGlob = /[*?]/.test(text);
    if (formats.some((format) => (isGlob ? mayMatch(format, name) : isNamed(format, name, id === undefined)))) continue;
    if (isGlob) {
      context.report({
        type: "warning",
        message: `no known event matches ${shortValue(name)}; an unknown event still could`,
      });
      continue;
    }
    if (effect === undefined) requireKnownEvent(products, text, where);
    const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    context.report({
      type: "warning",
      message: `there is no known event ${shortValue(name)}: ${effect}`,
      hint: near && `did you mean ${near}?`,
    });
  }
}

/** Whether a pattern matches an event of a format, or could match one of a family such as `<Module>.create`. */
function mayMatch(format: Format, pattern: string): boolean {
  const { matches } = eventPattern(pattern);
  if (eventNames(format).some((name) => matches(undefined, name))) return true;
  const [first = ""] = pattern.toLowerCase().split(/[*?]/, 1);
  const last = pattern.toLowerCase().split(/[*?]/).at(-1) ?? "";
  return format.events.some(({ name }) => {
    const [before = "", after] = name.toLowerCase().split(/<[a-z]+>/);
    if (after === undefined) return false;
    const begins = before.startsWith(first) || first.startsWith(before);
    return begins && (after.endsWith(last) || last.endsWith(after));
  });
}
