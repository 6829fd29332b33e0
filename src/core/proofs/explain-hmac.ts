import { createHmac } from "node:crypto";
import type { Explanation, Finding } from "../product.ts";
import { type Secret, sameBytes } from "../secret.ts";
import { type BodyVariant, bodyVariantPairs, bodyVariants } from "./body-variants.ts";
import { type KeyVariant, keyVariants } from "./key-variants.ts";
import {
  type HmacAlgorithm,
  type SignatureEncoding,
  type SignatureVariant,
  signatureVariants,
} from "./signature-variants.ts";

export interface HmacCase {
  readonly algorithm: HmacAlgorithm;
  readonly encoding: SignatureEncoding;
  /** The exact bytes that the scheme signs. */
  readonly body: Buffer;
  /** The body as JSON text, where it is JSON. */
  readonly text: string | undefined;
  readonly signature: string | undefined;
  readonly header: string;
  readonly configured: readonly Secret[];
  readonly others: readonly Secret[];
}

type Cause = Pick<Finding, "id" | "meaning"> & { readonly remedy: string };

/**
 * Tries what goes wrong in practice: each known change of the body, of the secret and of the signature's writing, alone
 * and with one of each other kind, and the body's also in pairs. Of all that match, those with the fewest changes
 * are told.
 */
export function explainHmac(given: HmacCase): Explanation {
  const [first] = given.configured;
  const expected = first && createHmac(given.algorithm, first.reveal()).update(given.body).digest(given.encoding);
  return {
    canonical: `the signature is over the raw body, ${given.body.length} bytes`,
    findings: given.signature === undefined ? [missing(given.header)] : search(given, given.signature),
    expected,
    received: given.signature,
  };
}

function search(given: HmacCase, text: string): readonly Finding[] {
  const signatures = signatureVariants(text, given.algorithm, given.encoding);
  if (signatures.length === 0) return [unreadable(given, text)];
  const keys = keyVariants(given.configured, given.others);
  const bodies: readonly (BodyVariant | undefined)[] = [undefined, ...bodyVariants(given.body, given.text)];
  const single = tryAll(given.body, bodies, keys, signatures);
  if (single.some((finding) => finding.matches)) return fewestChanges(single);
  const asIs = keys.filter((key) => key.id === "as-is");
  const pairs = tryAll(given.body, bodyVariantPairs(given.body, given.text), asIs, signatures);
  const empty = { id: "empty", body: Buffer.alloc(0), meaning: "the signature is over an empty body", remedy: EMPTY };
  return fewestChanges([...single, ...pairs, ...tryAll(given.body, [empty], asIs, signatures)]);
}

const EMPTY = "sign the bytes that are sent: the signer read the body before it was there, or after it was consumed";

function tryAll(
  body: Buffer,
  bodies: readonly (BodyVariant | undefined)[],
  keys: readonly KeyVariant[],
  signatures: readonly SignatureVariant[],
): readonly Finding[] {
  return bodies.flatMap((variant) =>
    keys.flatMap((key) =>
      signatures.map((signature) => {
        const digest = createHmac(signature.algorithm, key.key)
          .update(variant?.body ?? body)
          .digest();
        const causes = [...(variant === undefined ? [] : [variant]), key, signature].filter(({ id }) => id !== "as-is");
        return combined(causes, sameBytes(digest, signature.digest));
      }),
    ),
  );
}

function combined(causes: readonly Cause[], matches: boolean): Finding {
  if (causes.length === 0) return { id: "exact", matches, meaning: "the signature is over exactly this body" };
  return {
    id: causes.map((cause) => cause.id).join("+"),
    matches,
    meaning: causes.map((cause) => cause.meaning).join("; and "),
    remedy: [...new Set(causes.map((cause) => cause.remedy))].join("; "),
  };
}

/** The matches that need the fewest changes; of the misses those of a single one, each once. */
function fewestChanges(findings: readonly Finding[]): readonly Finding[] {
  const changes = ({ id }: Finding): number => id.split("+").length;
  const matches = findings.filter((finding) => finding.matches);
  const fewest = Math.min(...matches.map(changes));
  const matched = new Set(matches.map(({ id }) => id));
  const misses = new Map(
    findings.filter((each) => changes(each) === 1 && !matched.has(each.id)).map((miss) => [miss.id, miss]),
  );
  return [...matches.filter((match) => changes(match) === fewest), ...misses.values()];
}

function missing(header: string): Finding {
  return {
    id: "missing",
    matches: true,
    meaning: `there is no ${header} header`,
    remedy: "see that the sender signs, and that no proxy on the way drops the header",
  };
}

function unreadable({ algorithm, encoding, header }: HmacCase, text: string): Finding {
  const digits = encoding === "hex" ? createHmac(algorithm, "").digest("hex").length : undefined;
  const wanted = digits === undefined ? "base64" : `${digits} hex digits`;
  return {
    id: "unreadable",
    matches: true,
    meaning: `${header} holds ${text.length} characters that are no HMAC in hex or base64, where ${wanted} are expected`,
    remedy: "see that the whole signature was copied, and nothing but it",
  };
}
