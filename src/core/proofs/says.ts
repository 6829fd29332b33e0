import type { Verdict, VerdictWord } from "../product.ts";

/**
 * A proof's verdict. Written out here and wherever every event passes: to copy an object with `...` and add to it takes
 * Node 20 twenty times as long.
 */
export function says({ id, proves }: Pick<Verdict, "id" | "proves">, verdict: VerdictWord, reason: string): Verdict {
  return { id, proves, verdict, reason };
}
