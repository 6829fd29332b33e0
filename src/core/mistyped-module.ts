import { editDistance } from "./event-name.ts";
import type { Product } from "./product.ts";

/** A name that is taken as it is written, for users have modules of their own, but looks like a known one. */
export interface MistypedModule {
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
  const wanted = plainName(module);
  if ([...known].some((each) => each.toLowerCase() === module.toLowerCase())) return undefined;
  const distance = (each: string): number => editDistance(plainName(each), wanted);
  const near = [...known].find((each) => distance(each) <= (wanted.length < 8 ? 1 : 2));
  if (near === undefined || !events.some((event) => event.members.includes(near))) return undefined;
  return { module, near, isSlip: distance(near) <= 1 };
}

/** `Price_Books` and `PriceBooks` are one name to a person. */
function plainName(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}
