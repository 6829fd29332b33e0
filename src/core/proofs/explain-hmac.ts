import { createHmac } from "node:crypto";
import type { Explanation, Finding } from "../product.ts";
import { type Secret, sameBytes } from "../secret.ts";
import { type BodyVariant, bodyVariants } from "./body-variants.ts";

export interface HmacCase {
  readonly algorithm: "sha256" | "sha1" | "sha512";
  readonly encoding: "hex" | "base64";
  /** The body as it came. */
  readonly body: Buffer;
  /** The bytes that the scheme signs for a body; the body itself, unless the scheme adds to it. */
  readonly signed?: (body: Buffer) => Buffer;
  /** Other readings of the scheme, each as the bytes that it would sign. */
  readonly readings?: readonly BodyVariant[];
  /** What is signed, for a person. */
  readonly canonical?: string;
  /** The body as JSON text, where it is JSON. */
  readonly text: string | undefined;
  readonly signature: string | undefined;
  readonly header: string;
  readonly configured: readonly Secret[];
  readonly others: readonly Secret[];
}

interface KeyVariant {
  readonly id: string;
  readonly key: string;
  readonly meaning: string;
  readonly remedy: string;
}

interface SignatureVariant {
  readonly id: string;
  readonly bytes: Buffer;
  readonly meaning: string;
  readonly remedy: string;
}

/**
 * Tries what goes wrong in practice: each known change of the body, of the secret and of the signature's writing,
 * alone and together. A finding that matches names every change that was needed.
 */
export function explainHmac(given: HmacCase): Explanation {
  const signatures = signatureVariants(given);
  const keys = keyVariants(given);
  const signed = given.signed ?? ((body: Buffer) => body);
  const variants = [
    ...(given.readings ?? []),
    ...bodyVariants(given.body, given.text).map((variant) => ({ ...variant, body: signed(variant.body) })),
  ];
  // Two ways to the same bytes are one finding: the first, which is the scheme's own.
  const distinct = variants.filter(({ body }, i) => variants.findIndex((other) => other.body.equals(body)) === i);
  const bodies: readonly (BodyVariant | undefined)[] = [undefined, ...distinct];
  const tried: Finding[] = [];
  const matches: Finding[] = [];
  for (const body of bodies) {
    for (const key of keys) {
      const digest = createHmac(given.algorithm, key.key)
        .update(body?.body ?? signed(given.body))
        .digest();
      for (const signature of signatures) {
        const causes = [...(body === undefined ? [] : [body]), key, signature].filter((each) => each.id !== "as-is");
        const finding = combined(causes, sameBytes(digest, signature.bytes));
        if (finding.matches) matches.push(finding);
        else if (causes.length === 1) tried.push(finding);
      }
    }
  }
  const fewest = Math.min(...matches.map((match) => match.id.split("+").length));
  const first = given.configured[0];
  return {
    canonical: given.canonical ?? `the raw body, ${given.body.length} bytes`,
    findings: [...matches.filter((match) => match.id.split("+").length === fewest), ...tried],
    expected: first && createHmac(given.algorithm, first.reveal()).update(signed(given.body)).digest(given.encoding),
    received: given.signature,
  };
}

function combined(causes: readonly { id: string; meaning: string; remedy: string }[], matches: boolean): Finding {
  if (causes.length === 0) return { id: "exact", matches, meaning: "the signature matches the body exactly" };
  return {
    id: causes.map((cause) => cause.id).join("+"),
    matches,
    meaning: causes.map((cause) => cause.meaning).join("; and "),
    remedy: [...new Set(causes.map((cause) => cause.remedy))].join("; "),
  };
}

function keyVariants(given: HmacCase): readonly KeyVariant[] {
  const variants: KeyVariant[] = [];
  const seen = new Set<string>();
  const add = (variant: KeyVariant): void => {
    if (variant.key === "" || seen.has(variant.key)) return;
    seen.add(variant.key);
    variants.push(variant);
  };
  for (const secret of given.configured) {
    add({ id: "as-is", key: secret.reveal(), meaning: "", remedy: "" });
  }
  for (const secret of given.configured) {
    const value = secret.reveal();
    const trim = (id: string, key: string, what: string): void =>
      add({ id, key, meaning: `${secret.origin} ${what}`, remedy: `remove the white space around ${secret.origin}` });
    trim("secret-trimmed", value.trim(), "has white space around it that the signer does not use");
    trim("secret-newline", `${value}\n`, "was used by the signer with a newline at its end");
    trim("secret-unquoted", value.replace(/^(["'])(.*)\1$/s, "$2"), "stands in quotes that the signer does not use");
    add({
      id: "secret-base64",
      key: Buffer.from(value, "base64").toString("latin1"),
      meaning: `the signer used ${secret.origin} decoded from base64`,
      remedy: "give both sides the secret in the same encoding",
    });
  }
  for (const secret of given.others) {
    add({
      id: "other-secret",
      key: secret.reveal(),
      meaning: `it was signed with ${secret.origin}, which is configured for something else`,
      remedy: `use ${secret.origin} for this product`,
    });
  }
  return variants;
}

function signatureVariants(given: HmacCase): readonly SignatureVariant[] {
  const text = given.signature;
  if (text === undefined) return [];
  const variants: SignatureVariant[] = [];
  const add = (id: string, bytes: Buffer, meaning: string): void => {
    if (bytes.length > 0)
      variants.push({
        id,
        bytes,
        meaning,
        remedy: `write the signature as lower-case ${given.encoding} with nothing around it`,
      });
  };
  const hex = (value: string): Buffer =>
    /^(?:[0-9a-f]{2})+$/i.test(value) ? Buffer.from(value, "hex") : Buffer.alloc(0);
  const asIs =
    given.encoding === "hex"
      ? text === text.toLowerCase()
        ? hex(text)
        : Buffer.alloc(0)
      : Buffer.from(text, "base64");
  add("as-is", asIs, "");
  if (given.encoding === "hex") {
    if (text !== text.toLowerCase()) add("upper-case", hex(text), "the signature is written in upper case");
    add(
      "base64-for-hex",
      hex(text).length > 0 ? Buffer.alloc(0) : Buffer.from(text, "base64"),
      "the signature is written in base64, where hex is expected",
    );
  } else {
    add("hex-for-base64", hex(text), "the signature is written in hex, where base64 is expected");
  }
  const bare = text
    .trim()
    .replace(/^["']|["']$/g, "")
    .replace(/^sha256=/i, "");
  if (bare !== text)
    add(
      "decorated",
      given.encoding === "hex" ? hex(bare) : Buffer.from(bare, "base64"),
      "the signature has a prefix, quotes or white space around it",
    );
  return variants;
}
