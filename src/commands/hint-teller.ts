import type { Context } from "../context.ts";
import type { Receipt } from "../core/receive.ts";

/** Tells what a receipt hints at, each hint once a run. */
export function hintTeller(context: Context): (receipt: Receipt) => void {
  const told = new Set<string>();
  return ({ product, hint }) => {
    if (hint === undefined || told.has(hint)) return;
    told.add(hint);
    context.report({ type: "notice", message: `${product}: ${hint}` });
  };
}
