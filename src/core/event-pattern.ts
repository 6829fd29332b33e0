import { usageError } from "./errors.ts";

/** Which events are meant: `crm:Leads.*`, `desk:*`, `Leads.create` (of any product). Case does not matter. */
export interface EventPattern {
  readonly text: string;
  matches(product: string | undefined, event: string | undefined): boolean;
}

export function eventPattern(text: string, what?: string): EventPattern {
  const { product, event } = patternParts(text);
  if (product?.trim() === "" || event.trim() === "") {
    throw usageError(
      `${what === undefined ? "" : `${what}: `}the event pattern ${JSON.stringify(text)} is empty`,
      "write it as product:event, such as crm:Leads.* or desk:*",
    );
  }
  const [products, events] = [glob(product ?? "*"), glob(event)];
  return { text, matches: (p, e) => products(p ?? "") && events(e ?? "") };
}

/** `crm:Leads.*` taken apart; without a product it is of any. */
export function patternParts(text: string): { readonly product: string | undefined; readonly event: string } {
  const at = text.indexOf(":");
  return at === -1 ? { product: undefined, event: text } : { product: text.slice(0, at), event: text.slice(at + 1) };
}

/** One or more patterns; several may stand in one text with commas between. No pattern matches everything. */
export function eventPatterns(texts: readonly string[]): EventPattern {
  const patterns = texts.flatMap((text) => text.split(",")).map((text) => eventPattern(text.trim()));
  return {
    text: patterns.map((pattern) => pattern.text).join(", "),
    matches: (product, event) => patterns.length === 0 || patterns.some((pattern) => pattern.matches(product, event)),
  };
}

/**
 * `*` stands for any run of characters, `?` for one. Not a regular expression: with a few stars in it, one would try a name
 * of 60,000 dots, which anybody can post, for half a minute. Only the last star is ever tried again.
 */
function glob(pattern: string): (text: string) => boolean {
  const wanted = pattern.toLowerCase();
  if (/^\*+$/.test(wanted)) return () => true;
  return (text) => {
    const given = text.toLowerCase();
    let [at, next] = [0, 0];
    let [star, behindStar] = [-1, 0];
    while (at < given.length) {
      if (wanted[next] === "*") {
        star = next++;
        behindStar = at;
      } else if (wanted[next] === "?" || wanted[next] === given[at]) {
        next++;
        at++;
      } else if (star !== -1) {
        next = star + 1;
        at = ++behindStar;
      } else return false;
    }
    while (wanted[next] === "*") next++;
    return next === wanted.length;
  };
}
