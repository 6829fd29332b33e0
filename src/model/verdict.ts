import { CREDENTIAL_VARIABLES, type Credential } from "../delivery/secrets.ts";
import type { Signature, Verdict, VerdictWord } from "./product.ts";

/** Runs for every event, where Node 20 takes twenty times as long to spread an object as to write it out. */
export function makeVerdict(
  { id, proves }: Pick<Verdict, "id" | "proves">,
  verdict: VerdictWord,
  reason: string,
): Verdict {
  return { id, proves, verdict, reason };
}

/** The failure of a delivery that carries no proof although one is required. The log finds `missing` behind `verdict`. */
export function missingVerdict({ id, proves }: Pick<Verdict, "id" | "proves">, reason: string): Verdict {
  return { id, proves, verdict: "failed", missing: true, reason };
}

const RESULTS: Readonly<Record<VerdictWord, Signature["result"]>> = {
  passed: "verified",
  failed: "wrong_signature",
  unconfigured: "no_key",
  absent: "unsigned",
};

function resultOf({ verdict, missing }: Pick<Verdict, "verdict" | "missing">): Signature["result"] {
  return verdict === "failed" && missing === true ? "missing_signature" : RESULTS[verdict];
}

export function signatureOf(verdict: Verdict): Signature {
  const { id, proves, reason, match } = verdict;
  return { id, covers: proves, result: resultOf(verdict), reason, ...(match === undefined ? {} : { match }) };
}

/** In this order, since one right signature or token is enough where none is wrong or missing. */
const DECISIVE = ["wrong_signature", "missing_signature", "verified", "no_key"] as const;

/** The verdict that stands for the whole delivery; undefined for one that is unsigned. */
export function senderVerdict(verdicts: readonly Verdict[]): Verdict | undefined {
  for (const result of DECISIVE) {
    const found = verdicts.find((verdict) => resultOf(verdict) === result && !isPassedAddress(verdict));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function senderResult(verdicts: readonly Verdict[]): Signature["result"] {
  const verdict = senderVerdict(verdicts);
  return verdict === undefined ? "unsigned" : resultOf(verdict);
}

function isPassedAddress({ proves, verdict }: Verdict): boolean {
  return proves === "nothing" && verdict === "passed";
}

/** `verified`, `wrong signature`, `missing token`, `no key`: the result in words, by the kind of proof that an id ends with. */
export function resultText(verdict: Pick<Verdict, "id" | "verdict" | "missing">): string {
  const kind = verdict.id.slice(verdict.id.lastIndexOf("-") + 1);
  return resultOf(verdict).replace("signature", kind).replace("_", " ");
}

/** `wrong signature (guide-signature): the secret is different` */
export function verdictText(verdict: Verdict): string {
  return `${resultText(verdict)} (${verdict.id}): ${verdict.reason}`;
}

export function noKeyReason(credential: Credential): string {
  return `to verify it, set ${CREDENTIAL_VARIABLES[credential]}`;
}

export function has(wanted: VerdictWord, verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ verdict }) => verdict === wanted);
}
