import type { Config } from "../config/load.ts";
import type { Context } from "../context.ts";
import type { Verdict } from "../core/product.ts";
import { shellQuoted } from "../core/shell-quoted.ts";

/** The command that says why a proof of a delivery has failed; undefined where none has, or where it is not in the log. */
export function explainCommand(
  { invocation }: Pick<Context, "invocation">,
  { settings: { store }, origins }: Pick<Config, "settings" | "origins">,
  n: number,
  verdicts: readonly Verdict[],
): string | undefined {
  if (n === 0 || store === false || !verdicts.some(isFailedProof)) return undefined;
  return `${invocation} verify --logged ${n} --explain${origins.store === "flag" ? ` --store ${shellQuoted(store)}` : ""}`;
}

/** Of an address that is not on the list there is nothing to explain. */
function isFailedProof({ id, verdict }: Verdict): boolean {
  return verdict === "failed" && id !== "source-address";
}
