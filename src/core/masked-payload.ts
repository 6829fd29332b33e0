import type { Delivery } from "./delivery.ts";
import { MASK } from "./mask.ts";
import type { Verdict } from "./product.ts";

/** What to do about a payload whose secrets were taken out: nothing can be proven of it any more, and nothing is forged. */
export const MASKED_NOTE =
  "its secrets are masked, so it cannot be checked: export it with zoho-hooks events export --show-secrets";

const FORMS = [MASK, encodeURIComponent(MASK)];

export function holdsMask({ headers, body }: Delivery): boolean {
  if (headers.some(([, value]) => value.endsWith(MASK))) return true;
  return FORMS.some((form) => body.includes(form));
}

/**
 * A failure that the mask explains. It is still none that passes: whoever wants to be taken for masked writes the mask
 * into a forgery.
 */
export function uncheckable(verdict: Verdict): Verdict {
  if (verdict.verdict !== "failed") return verdict;
  return { ...verdict, verdict: "absent", reason: "not checked: secrets are masked in this payload" };
}
