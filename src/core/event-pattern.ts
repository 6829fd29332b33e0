import { usageError } from "./errors.ts";

/** Which events are meant: `crm:Leads.*`, `desk:*`, `Leads.create` (of any product). Case does not matter. */
export interface EventPattern {
  readonly text: string;
  matches(product: string | undefined, event: string | undefined): boolean;
}

export function eventPattern(text: string): EventPattern {
  const [left = "", right] = text.split(":", 2);
  const product = glob(right === undefined ? "*" : left);
  const event = glob(right ?? left);
  if (left.trim() === "" || right === "") {
    throw usageError(
      `the event pattern ${JSON.stringify(text)} is empty`,
      "write it as product:event, such as crm:Leads.* or desk:*",
    );
  }
  return { text, matches: (p, e) => product.test(p ?? "") && event.test(e ?? "") };
}

/** One or more patterns; several may stand in one text with commas between. No pattern matches everything. */
export function eventPatterns(texts: readonly string[]): EventPattern {
  const patterns = texts.flatMap((text) => text.split(",")).map((text) => eventPattern(text.trim()));
  return {
    text: patterns.map((pattern) => pattern.text).join(", "),
    matches: (product, event) => patterns.length === 0 || patterns.some((pattern) => pattern.matches(product, event)),
  };
}

/** `*` stands for any run of characters, `?` for one. */
function glob(text: string): RegExp {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "is");
}
