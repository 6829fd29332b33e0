import { createHmac } from "node:crypto";
import type { Explanation, Finding } from "../product.ts";
import { type Secret, sameBytes } from "../secret.ts";
import { type BodyVariant, bodyEdits, bodyWriter, inPairs } from "./body-variants.ts";
import { headerMissing } from "./header-missing.ts";
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
  /** The body as it came. */
  readonly body: Buffer;
  /** The bytes that the scheme signs for a body; the body itself, unless the scheme adds to it. */
  readonly signed?: (body: Buffer) => Buffer;
  /** Other readings of the scheme, each as the bytes that it would sign. */
  readonly readings?: readonly BodyVariant[];
  /** What is signed, for a person. */
  readonly canonical?: string;
  /** The body as JSON text; undefined where the scheme does not sign JSON, or the body is none. */
  readonly text: string | undefined;
  readonly signature: string | undefined;
  readonly header: string;
  readonly configured: readonly Secret[];
  readonly others: readonly Secret[];
}

type Cause = Pick<Finding, "id" | "meaning"> & { readonly remedy: string };

/**
 * Tries what goes wrong in practice: each known change of the body, of the secret and of the signature's writing, alone
 * and with one of each other kind, and the body's also in pairs. The plainest that matches is told.
 */
export function explainHmac(given: HmacCase): Explanation {
  const { algorithm, encoding, body, signature } = given;
  const [first] = given.configured;
  return {
    canonical: given.canonical ?? `the raw body, ${body.length} bytes`,
    findings: signature === undefined ? [headerMissing(given.header)] : search(given, signature),
    expected: first && createHmac(algorithm, first.reveal()).update(signedBytes(given, body)).digest(encoding),
    received: signature,
  };
}

function signedBytes({ signed }: HmacCase, body: Buffer): Buffer {
  return signed === undefined ? body : signed(body);
}

function search(given: HmacCase, text: string): readonly Finding[] {
  const signatures = signatureVariants(text, given.algorithm, given.encoding);
  if (signatures.length === 0) return [unreadable(given, text)];
  const misses: Finding[] = [];
  for (const { bytes, keys } of stages(given)) {
    const findings = tryAll(bytes, keys, signatures);
    if (findings.some((finding) => finding.matches)) return fewestChanges(findings);
    misses.push(...findings);
  }
  return fewestChanges(misses);
}

interface Stage {
  /** What may have been signed; `as-is` for what should have been. */
  readonly bytes: readonly BodyVariant[];
  readonly keys: readonly KeyVariant[];
}

/** What to try, the plainest first: that a newline was lost is a better answer than that another program would add one. */
function* stages(given: HmacCase): Generator<Stage> {
  const { body } = given;
  const keys = keyVariants(given.configured, given.others);
  const own = keys.filter((key) => key.id === "as-is");
  const signed = (bodies: readonly BodyVariant[]): readonly BodyVariant[] =>
    bodies.map((variant) => ({ ...variant, body: signedBytes(given, variant.body) }));
  const asIs = { id: "as-is", body, meaning: "", remedy: "" };
  yield { bytes: [...signed([asIs, ...bodyEdits(body)]), ...(given.readings ?? [])], keys };
  yield { bytes: signed(inPairs(body, bodyEdits, bodyEdits)), keys: own };
  if (given.text !== undefined) {
    const bodyLayouts = bodyWriter();
    yield { bytes: signed(bodyLayouts(body)), keys };
    yield { bytes: signed(inPairs(body, bodyLayouts, bodyLayouts)), keys: own };
    yield { bytes: signed(inPairs(body, bodyEdits, bodyLayouts)), keys: own };
    yield { bytes: signed(inPairs(body, bodyLayouts, bodyEdits)), keys: own };
  }
  const empty = { id: "empty", body: Buffer.alloc(0), meaning: "the signature is over an empty body", remedy: EMPTY };
  yield { bytes: signed([empty]), keys: own };
}

const EMPTY = "sign the bytes that are sent: the signer read the body before it had arrived, or after it was consumed";

function tryAll(
  bytes: readonly BodyVariant[],
  keys: readonly KeyVariant[],
  signatures: readonly SignatureVariant[],
): readonly Finding[] {
  return bytes.flatMap((variant) =>
    keys.flatMap((key) =>
      signatures.map((signature) => {
        const digest = createHmac(signature.algorithm, key.key).update(variant.body).digest();
        const causes = [variant, key, signature].filter(({ id }) => id !== "as-is");
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
    findings
      .filter((each) => each.id !== "exact" && changes(each) === 1 && !matched.has(each.id))
      .map((miss) => [miss.id, miss]),
  );
  return [...matches.filter((match) => changes(match) === fewest), ...misses.values()];
}

function unreadable({ algorithm, encoding, header }: HmacCase, text: string): Finding {
  const digits = encoding === "hex" ? createHmac(algorithm, "").digest("hex").length : undefined;
  const wanted = digits === undefined ? "base64" : `${digits} hex digits`;
  return {
    id: "unreadable",
    matches: true,
    meaning: `${header} has ${text.length} characters that are not an HMAC in hex or base64; ${wanted} are expected`,
    remedy: "check that the whole signature was copied, and nothing else",
  };
}
