import { isSuccess } from "../delivery/delivery.ts";
import { findFormat, findProduct } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import { answerRuleOf } from "../model/sender.ts";
import { verdictText } from "../model/verdict.ts";
import type { Sink } from "../project/context.ts";
import type { Tips } from "../project/tips.ts";

/** Some hints quote what was received: a stranger who sends ever new names must not fill the memory or the screen. */
const MAX_HINTS = 100;

/**
 * Reports once per run: each hint of a receipt, each signature or token that has no key to verify it with, and what a sender
 * does after a refusal. What a format says of every delivery is a tip, shown once a project. `below`: whether the notice
 * belongs below a line of `listen` about the delivery.
 */
export function reportHintsOnce(
  context: Pick<Sink, "report">,
  products: readonly Product[],
  { below, tips }: { readonly below?: true; readonly tips?: Tips } = {},
): (receipt: Receipt, status?: number) => void {
  const reported = new Set<string>();
  const hints = new Set<string>();
  const once = (key: string, message: string, seen = reported): void => {
    if (seen.has(key)) return;
    seen.add(key);
    context.report({ type: "notice", message, below });
  };
  const isShown = (receipt: Receipt, hint: string): boolean => {
    if (tips === undefined || hint !== formatHint(products, receipt)) return true;
    const isNew = tips.isNew(hint);
    if (isNew) void tips.remember();
    return isNew;
  };
  return (receipt, status = 200) => {
    const { product = "", format, verdicts, hint } = receipt;
    if (hint !== undefined && hints.size < MAX_HINTS && !hints.has(hint) && isShown(receipt, hint))
      once(hint, `${product}: ${hint}`, hints);
    const endsBy = isSuccess(status) ? undefined : answerRuleOf(products, product, format).rule?.endsBy;
    if (endsBy !== undefined) once(endsBy, `${product}: its sender counts this as a failure, and ${endsBy}`);
    for (const verdict of verdicts) {
      if (verdict.verdict !== "unconfigured") continue;
      once(`${product} ${format} ${verdict.id}`, `${product}: ${verdictText(verdict)}`);
    }
  };
}

/** See `Sender.hint`. */
function formatHint(products: readonly Product[], { product, format, event, payload }: Receipt): string | undefined {
  const found = product === undefined ? undefined : findProduct(products, product);
  if (found === undefined || format === undefined || event === undefined || payload === undefined) return undefined;
  return findFormat(found, format)?.sender?.hint?.(payload, event);
}
