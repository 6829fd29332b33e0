import type { Receipt } from "./receive.ts";

/** Why a body that can be read is no event that is known; undefined where it is one, or a challenge. */
export function whyUnknown({ product, event, known, suggestions, handshake, problem }: Receipt): string | undefined {
  if (problem !== undefined || handshake !== undefined || known) return undefined;
  if (event === undefined)
    return product === undefined ? "not an event of any known product" : `not an event of ${product}`;
  return `unknown event${suggestions.length > 0 ? `, nearest: ${suggestions.join(", ")}` : ""}`;
}
