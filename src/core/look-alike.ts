import { oneLine } from "./one-line.ts";
import type { Payload } from "./payload.ts";
import type { ReceiveInput } from "./receive.ts";
import { claimOfAny } from "./recognise.ts";

/** Tells of a delivery that the named product has no event for whose it would be: a URL was pasted into the wrong place. */
export function lookAlike(input: ReceiveInput, payload: Payload): string | undefined {
  if (input.product === undefined || input.event !== undefined) return undefined;
  const other = claimOfAny(input, payload);
  if (other === undefined) return undefined;
  // Twins look alike wherever they are posted to.
  if (input.product.formats.some(({ twins }) => twins?.includes(other.product.id))) return undefined;
  const name = `${other.product.id} ${oneLine(other.match?.name ?? other.name)}`;
  // Its own, where only one of its formats was asked for.
  if (other.product.id === input.product.id) return `this looks like ${name} in the format ${other.format.id}`;
  return `this looks like ${name}, which belongs on the URL of ${other.product.id}`;
}
