import { CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { usageError } from "../../core/errors.ts";
import { UNKNOWN_KEY } from "../../core/key-set.ts";
import type { Format } from "../../core/product.ts";
import type { Receipt } from "../../core/receive.ts";
import type { VerifiedPayload } from "../../core/verify-payload.ts";
import type { KeySets } from "../../zoho/key-sets.ts";

/** Who gives a signature wants it checked: that nothing is at hand to check it with is an error. */
export function refuseUnchecked(
  { receipt, format }: Pick<VerifiedPayload, "receipt" | "format">,
  withSignature: boolean,
  withHeaders: boolean,
): void {
  const unchecked = receipt.verdicts.find(
    ({ id, verdict, proves }) =>
      verdict === "unconfigured" &&
      ((proves === "body" && (withSignature || withHeaders)) || (withSignature && isInHeader(format, id))),
  );
  if (unchecked === undefined) return;
  throw usageError(
    `${unchecked.id}: a signature was given, but nothing to check it with`,
    howToCheck(format, unchecked.id),
  );
}

/** Whether the key of a proof was not known, and is now that the keys were fetched anew. */
export async function haveNewKeys({ product, verdicts }: Receipt, keys: KeySets): Promise<boolean> {
  if (product === undefined || !verdicts.some(({ match }) => match === UNKNOWN_KEY)) return false;
  return keys.renew(product);
}

function isInHeader(format: Format | undefined, id: string): boolean {
  return format?.proofs.find((proof) => proof.id === id)?.header !== undefined;
}

function howToCheck(format: Format | undefined, id: string): string {
  const credential = format?.proofs.find((proof) => proof.id === id)?.credential ?? "secret";
  const file = credential === "secret" ? ", or name a file with --secret-file" : "";
  return `set ${CREDENTIAL_VARIABLES[credential]}${file}`;
}
