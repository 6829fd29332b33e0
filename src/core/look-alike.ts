import { oneLine } from "./one-line.ts";
import type { Payload } from "./payload.ts";
import type { ReceiveInput } from "./receive.ts";
import { claimOfAny, type Recognised } from "./recognise.ts";

/** Tells of a delivery that the named product has no event for whose it would be: a URL was pasted into the wrong place. */
export function lookAlike(input: ReceiveInput, payload: Payload): string | undefined {
  if (input.product === undefined || input.event !== undefined) return undefined;
  const other = claimOfAny(input, payload);
  if (other === undefined) return undefined;
  // Twins look alike wherever they are posted to.
  if (input.product.formats.some(({ twins }) => twins?.includes(other.product.id))) return undefined;
  // Its own, where only one of its formats was asked for.
  if (other.product.id === input.product.id) return inFormat(other);
  return `this looks like ${nameOf(other)}, which should be posted to the URL of ${other.product.id}`;
}

/** Tells of a body that none of the formats asked for knows which other one it is of. */
export function ofOtherFormat(input: ReceiveInput, payload: Payload): string | undefined {
  const other = claimOfAny(input, payload);
  return other === undefined ? undefined : inFormat(other);
}

function inFormat(claim: Recognised): string {
  return `this looks like ${nameOf(claim)} in the format ${claim.format.id}`;
}

function nameOf({ product, match, name }: Recognised): string {
  return `${product.id} ${oneLine(match?.name ?? name)}`;
}
