import { CREDENTIAL_VARIABLES } from "../config/secrets.ts";
import type { Context } from "../context.ts";
import { answerRuleOf } from "../core/answer-rule.ts";
import { findProduct } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import { isSuccess } from "../core/status.ts";

/** Some hints name what came: a stranger who sends ever new names would fill the memory and the screen. */
const MOST_HINTS = 100;

/**
 * Tells what a receipt hints at, what was not checked for want of a secret, and what its sender makes of a refusal, each once
 * a run. `below`: where a line of `listen` tells of each delivery.
 */
export function hintTeller(
  context: Context,
  products: readonly Product[],
  { below }: { readonly below?: true } = {},
): (receipt: Receipt, status?: number) => void {
  const notice = (message: string): void =>
    context.report({ type: "notice", message, ...(below === undefined ? {} : { below }) });
  const told = new Set<string>();
  const hints = new Set<string>();
  const isNew = (what: string, seen = told): boolean => !seen.has(what) && seen.add(what).size > 0;
  return ({ product, format, verdicts, hint }, status = 200) => {
    if (hint !== undefined && hints.size < MOST_HINTS && isNew(hint, hints)) notice(`${product}: ${hint}`);
    const endsBy = isSuccess(status) ? undefined : answerRuleOf(products, product, format).rule?.endsBy;
    if (endsBy !== undefined && isNew(endsBy)) notice(`${product}: its sender counts this as a failure, and ${endsBy}`);
    for (const { id, verdict } of verdicts) {
      if (verdict !== "unconfigured" || !isNew(`${product} ${format} ${id}`)) continue;
      const variable = variableOf(products, product, id);
      if (variable === undefined) continue;
      notice(`${product}: its ${id} is not checked: set ${variable} to check it`);
    }
  };
}

/** What a proof is checked with. */
function variableOf(products: readonly Product[], productId = "", proofId: string): string | undefined {
  const proofs = findProduct(products, productId)?.formats.flatMap((format) => format.proofs) ?? [];
  const proof = proofs.find(({ id }) => id === proofId);
  return proof === undefined ? undefined : CREDENTIAL_VARIABLES[proof.credential];
}
