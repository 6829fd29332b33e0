import { usageError } from "../../core/errors.ts";
import { eventNames, isNamed, nearest } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";
import { requireProduct } from "../options.ts";

interface CandidateFlags {
  readonly product?: string;
  readonly event?: string;
  readonly format?: string;
}

interface Candidates {
  /** What a body may be taken for; with a product named, what else it looks like. */
  readonly products: readonly Product[];
  /** All there are, whatever was named. */
  readonly all: readonly Product[];
  /** The only one, when it was named. */
  readonly product: Product | undefined;
  readonly event: string | undefined;
}

/** The products, product and event that the flags leave to choose from. */
export function candidatesFor(
  products: readonly Product[],
  { product: id, event, format }: CandidateFlags,
): Candidates {
  const product = id === undefined ? undefined : requireProduct(products, id);
  const candidates = withFormat(product === undefined ? products : [product], format);
  if (event !== undefined) requireEventName(candidates, event);
  if (product === undefined) return { products: candidates, all: products, product, event };
  return { products, all: products, product: candidates[0], event };
}

function withFormat(candidates: readonly Product[], id: string | undefined): readonly Product[] {
  if (id === undefined) return candidates;
  const narrowed = candidates.flatMap((product) => {
    const formats = product.formats.filter((format) => format.id === id.toLowerCase());
    return formats.length === 0 ? [] : [{ ...product, formats }];
  });
  if (narrowed.length > 0) return narrowed;
  const ids = new Set(candidates.flatMap(({ formats }) => formats.map((format) => format.id)));
  throw usageError(`there is no format ${JSON.stringify(id)}`, `formats: ${[...ids].join(", ")}`);
}

function requireEventName(candidates: readonly Product[], event: string): void {
  const formats = candidates.flatMap((product) => product.formats);
  if (formats.some((format) => isNamed(format, event, candidates.length > 1))) return;
  const near = nearest(event, [...new Set(formats.flatMap(eventNames))]);
  throw usageError(
    `there is no event ${JSON.stringify(event)}${candidates.length === 1 ? ` in ${candidates[0]?.id}` : ""}`,
    near.length === 0 ? "run zoho-hooks products for all of them" : `did you mean ${near.join(" or ")}?`,
  );
}
