import { UNREAD } from "../delivery/payload.ts";
import type { Credential, Secret } from "../delivery/secrets.ts";
import type { Explanation, Proof } from "../model/product.ts";
import { isQueryUnknown, QUERY_UNKNOWN, type VerifiedPayload, type VerifyPayloadInput } from "./verify-payload.ts";

/** Explains each failed proof; with `all`, also those that were not checked. */
export function explainProofs(
  { receipt, delivery, format }: VerifiedPayload,
  { secrets, now, limits }: Pick<VerifyPayloadInput, "secrets" | "now" | "limits">,
  all: boolean,
): readonly { readonly id: string; readonly explanation: Explanation }[] {
  const { payload = UNREAD, product } = receipt;
  if (product === undefined) return [];
  return receipt.verdicts.flatMap(({ id, verdict }) => {
    const proof = format?.proofs.find((each) => each.id === id);
    const isExplained = verdict === "failed" || (all && verdict === "absent");
    const configured = proof === undefined ? [] : secrets.for(proof.credential, product);
    if (proof?.explain === undefined || !isExplained || configured.length === 0) return [];
    const explanation = proof.explain({ delivery, payload, secrets, product, now, limits });
    const likely = isQueryUnknown(proof, delivery) ? QUERY_UNKNOWN : likelyCause(proof, configured);
    return [{ id, explanation: { ...explanation, likely } }];
  });
}

const CREDENTIAL_WORDS: Readonly<Partial<Record<Credential, string>>> = {
  secret: "secret",
  hookSecret: "secret",
  token: "token",
  auth: "value",
  publicKey: "key",
};

/** If no known mistake explains a failure, two different secrets do. */
function likelyCause(
  { proves, credential, keyPlace = "the one in Zoho" }: Proof,
  configured: readonly Secret[],
): Explanation["likely"] {
  const origins = configured.flatMap(({ origin, optional }) => (optional === true ? [] : [origin]));
  const word = CREDENTIAL_WORDS[credential];
  if (word === undefined || origins.length === 0) return undefined;
  const excluded = proves === "body" ? "no change to the body" : "no common mistake";
  return {
    meaning: `${excluded} explains it: most likely the ${word} differs`,
    remedy: `compare ${[...new Set(origins)].join(" and ")} with ${keyPlace}`,
  };
}
