import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { headerValue, withHeader } from "../delivery/delivery.ts";
import { readPrivateKey, readPublicKeys } from "../delivery/rsa-keys.ts";
import type { Secret } from "../delivery/secrets.ts";
import type { ExplainInput, Explanation, Proof, ProofInput } from "../model/product.ts";
import { minifyJson } from "../util/json-print.ts";
import { bodyEdits, bodyWriter } from "./body-variants.ts";
import {
  alteredBodyVerdict,
  combinedFinding,
  type HeaderVerdict,
  headerMissing,
  verifyHeader,
} from "./header-verdict.ts";

interface RsaSignature {
  readonly id: string;
  readonly header: string;
  /**
   * Receivers check it over the body serialised again, so white space may differ, and nothing else: parsing rounds numbers
   * and drops repeated names, so other bodies would pass, too.
   */
  readonly ofCompact?: boolean;
}

/** A header with the base64 of an RSA signature (PKCS#1 v1.5, SHA-256) over the raw body. */
export function rsaSignature(scheme: RsaSignature): Proof {
  const { id, header } = scheme;
  return {
    id,
    proves: "body",
    credential: "publicKey",
    signingCredential: "privateKey",
    header,
    title: `${header}: RSA-SHA256 of the body, base64`,
    sign: (delivery, key) =>
      withHeader(delivery, header, sign("sha256", delivery.body, readPrivateKey(key)).toString("base64")),
    forge: (delivery) => withHeader(delivery, header, wrongSignature(delivery.body).toString("base64")),
    verify(input) {
      const given = { value: headerValue(input.delivery, header), secrets: input.secrets };
      return verifyHeader(
        { id, proves: "body", header, credential: "publicKey", key: "public key" },
        given,
        (signature) => verifySignature(scheme, signature, input),
      );
    },
    explain: (input) => explainSignature(header, input),
  };
}

function verifySignature(
  { header, ofCompact = false }: RsaSignature,
  signature: string,
  { delivery, payload, secrets: keys }: ProofInput,
): HeaderVerdict {
  const match = matchingKey(keys, delivery.body, signature);
  if (match !== undefined) return { verdict: "passed", reason: `signed with the key of ${match.origin}` };
  const compact = ofCompact && payload.text !== undefined ? Buffer.from(minifyJson(payload.text)) : undefined;
  const compactMatch = compact === undefined ? undefined : matchingKey(keys, compact, signature);
  if (compactMatch !== undefined)
    return { verdict: "passed", reason: `signed with the key of ${compactMatch.origin}, without its white space` };
  const isSigned = (body: Buffer): boolean => matchingKey(keys, body, signature) !== undefined;
  const altered = alteredBodyVerdict(delivery.body, payload, isSigned);
  if (altered !== undefined) return altered;
  const length = wrongLength(keys, signature);
  const reason =
    length === undefined
      ? "the signature does not match the body: the key is different, or the bytes were changed"
      : `${header} ${length}`;
  return { verdict: "failed", reason };
}

/** A variable may hold several keys one after the other: Zoho signs with the older one while a new one is set up. */
function matchingKey(keys: readonly Secret[], body: Buffer, signature: string): Secret | undefined {
  const bytes = Buffer.from(signature, "base64");
  return keys.find((key) => readPublicKeys(key).some((each) => verify("sha256", body, each, bytes)));
}

/** Undefined where the length is that of a signature by one of the keys, or there are no keys. */
function wrongLength(keys: readonly Secret[], signature: string): string | undefined {
  const bits = keys.flatMap((key) => readPublicKeys(key).map((each) => each.asymmetricKeyDetails?.modulusLength ?? 0));
  const lengths = [...new Set(bits.map((each) => Math.ceil(each / 8)))];
  const { length } = Buffer.from(signature, "base64");
  const isInHex = decodings(signature).length > 1;
  if (isInHex || lengths.length === 0 || lengths.includes(length)) return undefined;
  return `is ${length} bytes in base64, but a signature with this key has ${lengths.join(" or ")}: it was cut or added to, or made with another key`;
}

function explainSignature(header: string, { delivery, secrets, product }: ExplainInput): Explanation {
  const keys = secrets.for("publicKey", product);
  const signature = headerValue(delivery, header);
  const tried = keys.map((key) => `${key.origin} (${readPublicKeys(key).map(fingerprint).join(", ")})`).join(", ");
  const canonical = `the raw body, ${delivery.body.length} bytes; keys tried: ${tried || "none"}`;
  // The expected signature takes the private key, which the verifying side does not have.
  const explanation = { canonical, expected: undefined, received: signature };
  if (signature === undefined) return { ...explanation, findings: [headerMissing(header)] };
  const length = wrongLength(keys, signature);
  if (length !== undefined) {
    const remedy = "copy the whole signature; if it went through a form or a URL, it may have lost every +";
    return { ...explanation, findings: [{ id: "length", matches: true, meaning: `${header} ${length}`, remedy }] };
  }
  const variants = [EXACT, ...bodyEdits(delivery.body), ...bodyWriter()(delivery.body)];
  const findings = decodings(signature).flatMap((decoding) =>
    variants.map((variant) =>
      combinedFinding(
        [decoding, variant].filter(({ id }) => id !== "exact"),
        matchingKey(keys, variant.body ?? delivery.body, decoding.signature) !== undefined,
      ),
    ),
  );
  // Several changes may lead to the same bytes: the simplest comes first.
  const [simplest] = findings.filter(({ matches }) => matches);
  const misses = findings.filter(({ matches }) => !matches);
  return { ...explanation, findings: [...(simplest === undefined ? [] : [simplest]), ...misses] };
}

const EXACT = { id: "exact", body: undefined, meaning: "", remedy: "" };

/** The signature in base64, the right decoding first. */
function decodings(signature: string) {
  const bare = signature.trim().replace(/^["']|["']$/g, "");
  const exact = { ...EXACT, signature };
  if (!/^(?:[0-9a-f]{2}){64,}$/i.test(bare)) return [exact];
  const inBase64 = Buffer.from(bare, "hex").toString("base64");
  const meaning = "the signature is in hex; base64 is expected";
  return [exact, { id: "hex-for-base64", signature: inBase64, meaning, remedy: "write it as base64" }];
}

/** Tells two keys apart without showing either. */
function fingerprint(key: KeyObject): string {
  const hash = createHash("sha256").update(key.export({ type: "spki", format: "der" }));
  return `SHA-256 ${hash.digest("hex").slice(0, 16)}…`;
}

/** As long as a real signature, and the same each time. */
function wrongSignature(body: Buffer): Buffer {
  const digests = Array.from({ length: 8 }, (_, i) => createHash("sha256").update(`${i}`).update(body).digest());
  return Buffer.concat(digests);
}
