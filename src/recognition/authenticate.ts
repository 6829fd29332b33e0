import type { Delivery } from "../delivery/delivery.ts";
import type { Payload } from "../delivery/payload.ts";
import type { Secrets } from "../delivery/secrets.ts";
import {
  defaultFormat,
  type Format,
  type Limits,
  type Product,
  type Proof,
  type ProofInput,
  type Verdict,
} from "../model/product.ts";
import { has } from "../model/verdict.ts";
import { carriesSignature, type Incoming, type Reading } from "./reading.ts";
import { acceptsUnsigned, isNeverSigned } from "./unsigned.ts";

/**
 * The verdicts that decide whether a delivery is genuine: those of the format of what was `found`, or where they decide
 * nothing, those of another format whose proof it carries, since a custom body may have any of them.
 */
export function authenticate(
  { delivery, verdictsOf }: Incoming,
  product: Product,
  found: Reading | undefined,
): readonly Verdict[] {
  const own = found === undefined ? [] : verdictsOf(product, found.format);
  const hasFailed = has("failed", own);
  if (has("passed", own)) return own;
  const all = product.formats.map((format) => verdictsOf(product, format));
  if (!hasFailed && (own.length === 0 || isNeverSigned(product))) {
    const passed = all.find((verdicts) => has("passed", verdicts));
    if (passed !== undefined) return passed;
    // Any body may be posted to a product that is never signed, so any key that its user has given is required.
    const failed = isNeverSigned(product) ? all.find((verdicts) => has("failed", verdicts)) : undefined;
    if (failed !== undefined) return failed;
  }
  const signed =
    found !== undefined && carriesSignature(found.format, delivery)
      ? found.format
      : product.formats.find((format) => carriesSignature(format, delivery));
  const carried = signed === undefined ? [] : verdictsOf(product, signed);
  if (has("passed", carried) || has("failed", carried)) return carried;
  // A signature that no key can check does not make up for a failure.
  if (hasFailed) return own;
  const required = requiredFormats(product, found).map((format) => verdictsOf(product, format));
  const missing = required.find((verdicts) => has("failed", verdicts));
  if (missing !== undefined) return missing;
  if (carried.length > 0) return carried;
  return found === undefined ? (all[0] ?? []) : own;
}

/**
 * The formats whose keys count for a delivery that carries nothing to check. Of an event the default one, so that none gets
 * round its signature in another format; of what is no whole event the first as well, so that none does by lacking members.
 */
function requiredFormats(product: Product, found: Reading | undefined): readonly Format[] {
  const { allowUnsigned, formats } = product;
  const usual = defaultFormat(product);
  const [first = usual] = formats;
  if (usual === undefined || first === undefined) return [];
  if (isWholeEvent(found)) return [usual];
  return allowUnsigned === true && found !== undefined && isCustomBody(found) ? [] : [first, usual];
}

/** Neither a custom body nor a part of an event. */
function isWholeEvent(found: Reading | undefined): boolean {
  if (found === undefined || found.shape.misshapen || isCustomBody(found)) return false;
  return found.match !== undefined || (found.name !== undefined && found.shape.members.missing === 0);
}

/** Also where the user has given custom bodies a schema. */
export function isCustomBody({ format, name }: Reading): boolean {
  return name !== undefined && name === format.body.customEvent;
}

interface VerifierInput {
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  readonly limits?: Limits | undefined;
}

/** Verifies each proof of a product once: recognition may depend on which one passes, and formats share proofs. */
export function proofVerifier(input: VerifierInput, payload: Payload): Incoming["verdictsOf"] {
  const { delivery, secrets, now, limits } = input;
  const proofInput = { delivery, payload, secrets, now, limits };
  const verified = new Map<Product, Map<Proof, Verdict>>();
  return (product, { proofs }) => {
    const ofProduct = verified.get(product) ?? new Map<Proof, Verdict>();
    verified.set(product, ofProduct);
    return proofs.map((proof) => {
      const verdict = ofProduct.get(proof) ?? verifyProof(proof, product, proofInput);
      ofProduct.set(proof, verdict);
      return verdict;
    });
  };
}

interface VerifyProofInput extends Omit<ProofInput, "secrets"> {
  readonly secrets: Secrets;
}

export function verifyProof(proof: Proof, product: Product, input: VerifyProofInput): Verdict {
  const { delivery, payload, now, limits } = input;
  const found = input.secrets.for(proof.credential, product.id);
  // Where Zoho never signs, a wrong signature still fails.
  const isOptional = found.length > 0 && acceptsUnsigned(product, input.secrets);
  const secrets = isOptional ? found.map((each) => ({ ...each, optional: true })) : found;
  const verdict = proof.verify({ delivery, payload, secrets, now, limits });
  const complete = verdict.verdict === "failed" ? withRepeats(verdict, delivery, proof) : verdict;
  return proof.secretIn === undefined ? complete : { ...complete, secretIn: proof.secretIn };
}

/** Points out a repeated header: the first value counts, while an app may read another one, or all joined. */
function withRepeats(verdict: Verdict, { headers }: Delivery, { header, credential }: Proof): Verdict {
  const wanted = header?.toLowerCase();
  const values = new Set(headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value));
  // A fixed value reports repeats itself.
  if (values.size < 2 || credential === "auth") return verdict;
  return {
    ...verdict,
    reason: `${verdict.reason}; ${header} came with ${values.size} different values, and the first was checked`,
  };
}
