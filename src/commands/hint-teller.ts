import { CREDENTIAL_VARIABLES } from "../config/secrets.ts";
import type { Context } from "../context.ts";
import { findFormat, findProduct } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";

/** Tells what a receipt hints at and what was not checked for want of a secret, each once a run. */
export function hintTeller(context: Context, products: readonly Product[]): (receipt: Receipt) => void {
  const told = new Set<string>();
  const tell = (message: string): void => {
    if (told.has(message)) return;
    told.add(message);
    context.report({ type: "notice", message });
  };
  return ({ product: id, format: formatId, verdicts, hint }) => {
    if (hint !== undefined) tell(`${id}: ${hint}`);
    for (const { id: proofId, verdict } of verdicts) {
      if (verdict !== "unconfigured" || id === undefined || formatId === undefined) continue;
      const product = findProduct(products, id);
      const format = product === undefined ? undefined : findFormat(product, formatId);
      const proof = format?.proofs.find((each) => each.id === proofId);
      const variable = proof === undefined ? undefined : CREDENTIAL_VARIABLES[proof.credential];
      if (variable !== undefined) tell(`${id}: its ${proofId} is taken unchecked: set ${variable} to have it checked`);
    }
  };
}
