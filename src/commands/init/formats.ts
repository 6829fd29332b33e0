import type { SettingsFile } from "../../config/settings.ts";
import type { Prompts } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { findFormat } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";
import { requireFormat, requireProduct } from "../options.ts";

/** The format of a product, by the product's id. */
export type Formats = Readonly<Record<string, string>>;

/** The chosen products; none chosen stands for all. */
export function meantProducts(products: readonly Product[], chosen: readonly string[]): readonly Product[] {
  return products.filter(({ id }) => chosen.length === 0 || chosen.includes(id));
}

/** Those that can be used in more than one way. */
export function withChoice(meant: readonly Product[]): readonly Product[] {
  return meant.filter(({ formats }) => formats.length > 1);
}

/** Those of these products that are set up already. */
export function formatsBefore(meant: readonly Product[], { products = {} }: SettingsFile): Formats {
  return Object.fromEntries(
    meant.flatMap(({ id }) => {
      const format = products[id]?.format;
      return format === undefined ? [] : [[id, format]];
    }),
  );
}

/** `wire`: of every product that has it; `crm=wire,desk=guide`: of one each. */
export function readFormats(text: string, meant: readonly Product[], products: readonly Product[]): Formats {
  const parts = text.split(",").map((part) => part.trim());
  return Object.assign({}, ...parts.map((part) => readPart(part, meant, products)));
}

function readPart(part: string, meant: readonly Product[], products: readonly Product[]): Formats {
  const [name = "", own] = part.split(/=(.*)/s, 2).map((each) => each.trim());
  if (own !== undefined) {
    const product = requireProduct(products, name);
    if (!meant.includes(product)) {
      const ids = [...meant, product].map(({ id }) => id).join(",");
      throw usageError(
        `--format names ${product.id}, which is none of the products that you use`,
        `name it there, too: --products ${ids}`,
      );
    }
    return { [product.id]: requireFormat(product, own).id };
  }
  if (meant.some((product) => findFormat(product, name) !== undefined)) return everywhere(name, meant);
  const ids = [...new Set(meant.flatMap(({ formats }) => formats.map(({ id }) => id)))];
  throw usageError(
    `--format: none of the products that you use has a format ${JSON.stringify(name)}`,
    `formats: ${ids.join(", ")}; for one product alone: ${meant[0]?.id ?? "crm"}=${ids[0] ?? "wire"}`,
  );
}

/** A product that has not got the format stays as it is. */
function everywhere(id: string, meant: readonly Product[]): Formats {
  return Object.fromEntries(
    withChoice(meant).flatMap((product) => {
      const format = findFormat(product, id);
      return format === undefined ? [] : [[product.id, format.id]];
    }),
  );
}

const LABELS: Readonly<Record<string, string>> = {
  guide: "the guide's envelopes",
  wire: "what Zoho itself posts",
  workflow: "a workflow's webhook of your own design",
};

const KEEP = "as it is set up";

export async function askFormats(prompts: Prompts, meant: readonly Product[], before: Formats): Promise<Formats> {
  const asked = withChoice(meant);
  const ids = [...new Set(asked.flatMap(({ formats }) => formats.map(({ id }) => id)))];
  const kept = Object.entries(before).map(([product, format]) => `${product} ${format}`);
  const answer = await prompts.choose({
    message: "What will send it?",
    choices: [
      ...(kept.length === 0 ? [] : [{ value: KEEP, label: `${KEEP}: ${kept.join(", ")}` }]),
      ...ids.map((id) => ({ value: id, label: `${LABELS[id] ?? "another of its own"} (${id}${onlyOf(id, asked)})` })),
    ],
    initial: kept.length === 0 ? (ids[0] ?? "") : KEEP,
  });
  return answer === KEEP ? before : everywhere(answer, meant);
}

function onlyOf(id: string, asked: readonly Product[]): string {
  const having = asked.filter((product) => findFormat(product, id) !== undefined);
  return having.length === asked.length ? "" : `, of ${having.map((product) => product.id).join(", ")}`;
}

/** With none chosen no product is named in the file, unless a format is to be kept there: then all are. */
export function namedProducts(
  chosen: readonly string[],
  products: readonly Product[],
  formats: Formats,
  before: Formats,
): readonly string[] {
  if (chosen.length > 0) return chosen;
  const isUsual = products.every(({ id, formats: [first] }) => (formats[id] ?? first?.id) === first?.id);
  return isUsual && Object.keys(before).length === 0 ? [] : products.map(({ id }) => id);
}
