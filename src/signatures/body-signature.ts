import { createHash, createHmac } from "node:crypto";
import { type Delivery, headerValue, withHeader } from "../delivery/delivery.ts";
import type { Payload } from "../delivery/payload.ts";
import { type Credential, type Secret, sameText } from "../delivery/secrets.ts";
import type { ExplainFinding, ExplainInput, Explanation, Proof, ProofInput } from "../model/product.ts";
import type { BodyVariant } from "./body-variants.ts";
import { explainHmac, type HmacAlgorithm, type SignatureEncoding } from "./explain-hmac.ts";
import { alteredBodyVerdict, type HeaderVerdict, verifyHeader } from "./header-verdict.ts";

interface BodySignature {
  readonly id: string;
  readonly header: string;
  readonly credential: Credential;
  /** The credential's name in messages: `secret`, `hook secret`. */
  readonly key: string;
  /** SHA-256 by default. */
  readonly algorithm?: HmacAlgorithm | undefined;
  /** Base64 by default. */
  readonly encoding?: SignatureEncoding | undefined;
  /** Before the signature in the header: `sha256=`. */
  readonly prefix?: string | undefined;
  /** How the signature is written in the header, where that is more than a prefix. */
  readonly notation?: Notation;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string;
  /** Added to the reason of a delivery that passed. */
  remark?(delivery: Delivery, now: Date): string | undefined;
  /** Other bytes that the sender's documentation may mean: a match with the secret proves the body in any case. */
  openReadings?(delivery: Delivery): readonly BodyVariant[];
  /** Other bytes that a signer may have used by mistake, to explain a failure. */
  mistakes?(payload: Payload): readonly BodyVariant[];
}

interface Notation {
  /** The id of the finding for a header in another form. */
  readonly id: string;
  /** Describes a wrong header, as a clause: `does not begin with sha256=`. */
  readonly mismatch: string;
  /** For people: `sha256=…`. */
  readonly form: string;
  write(signature: string, now: Date): string;
  /** Undefined for a header in another form. */
  read(value: string): string | undefined;
}

interface Scheme extends BodySignature {
  readonly algorithm: HmacAlgorithm;
  readonly encoding: SignatureEncoding;
  readonly notation: Notation;
}

/** A header with an HMAC over the raw body, keyed with the secret as text. */
export function bodySignature(parts: BodySignature): Proof {
  const { id, header, credential, key, exception, algorithm = "sha256", encoding = "base64" } = parts;
  const notation = parts.notation ?? prefixed(parts.prefix ?? "");
  const scheme: Scheme = { ...parts, algorithm, encoding, notation };
  const form = parts.notation === undefined ? "" : `, as ${notation.form}`;
  const deluge = parts.notation === undefined ? delugeLine(scheme) : undefined;
  return {
    ...(deluge === undefined ? {} : { deluge }),
    id,
    proves: "body",
    credential,
    header,
    title: `${header}: HMAC-${algorithm.replace("sha", "SHA")} of the body, ${encoding}${form}`,
    sign: (delivery, secret, now) =>
      withHeader(delivery, header, notation.write(hmac(scheme, delivery.body, secret), now)),
    verify(input) {
      const value = headerValue(input.delivery, header);
      return verifyHeader(
        { id, proves: "body", header, credential, key, exception },
        { value, secrets: input.secrets },
        (given) => verifySignature(scheme, given.trim(), input),
      );
    },
    explain: (input) => explainSignature(scheme, input),
  };
}

/**
 * https://www.zoho.com/deluge/help/encryption/hmac-sha256.html, whose result is base64 unless it is told otherwise, and
 * https://www.zoho.com/deluge/help/encryption/hmac-sha1.html
 */
function delugeLine({ header, algorithm, encoding, prefix = "" }: Scheme): string | undefined {
  if (algorithm === "sha512") return undefined;
  const text = (value: string) => JSON.stringify(value);
  const hash = `zoho.encryption.hmac${algorithm}("<secret>", body${encoding === "hex" ? ', "hex"' : ""})`;
  return `headers.put(${text(header)}, ${prefix === "" ? "" : `${text(prefix)} + `}${hash});`;
}

function prefixed(prefix: string): Notation {
  return {
    id: "prefix-missing",
    mismatch: `does not begin with ${prefix}`,
    form: `${prefix}…`,
    write: (signature) => prefix + signature,
    read: (value) => (value.startsWith(prefix) ? value.slice(prefix.length) : undefined),
  };
}

function hmac({ algorithm, encoding }: Scheme, body: Buffer, secret: Secret): string {
  return createHmac(algorithm, secret.reveal()).update(body).digest(encoding);
}

function verifySignature(
  scheme: Scheme,
  value: string,
  { delivery, payload, secrets, now }: ProofInput,
): HeaderVerdict {
  const { header, algorithm, encoding, notation } = scheme;
  const signature = notation.read(value);
  if (signature === undefined) return { verdict: "failed", reason: `${header} ${notation.mismatch}` };
  const matching = (body: Buffer): Secret | undefined =>
    secrets.find((secret) => sameText(signature, hmac(scheme, body, secret)));
  const match = matching(delivery.body);
  if (match !== undefined) {
    const remark = scheme.remark?.(delivery, now);
    return { verdict: "passed", reason: `signed with ${match.origin}${remark === undefined ? "" : `; ${remark}`}` };
  }
  for (const { body, meaning } of scheme.openReadings?.(delivery) ?? []) {
    const open = matching(body);
    if (open !== undefined) return { verdict: "passed", reason: `signed with ${open.origin}; ${meaning}` };
  }
  const altered = alteredBodyVerdict(delivery.body, payload, (body) => matching(body) !== undefined);
  if (altered !== undefined) return altered;
  const bytes = createHash(algorithm).digest().length;
  if (!isEncoded(signature, bytes, encoding)) {
    const wanted = encoding === "base64" ? `${bytes} bytes in base64` : `${2 * bytes} lower-case hex digits`;
    return { verdict: "failed", reason: `${header} is not ${wanted}` };
  }
  return {
    verdict: "failed",
    reason: "the signature does not match the body: the secret is different, or the bytes were changed",
  };
}

function isEncoded(text: string, bytes: number, encoding: SignatureEncoding): boolean {
  if (encoding === "hex") return text.length === 2 * bytes && /^[0-9a-f]+$/.test(text);
  const decoded = Buffer.from(text, "base64");
  return decoded.length === bytes && decoded.toString("base64") === text;
}

function explainSignature(scheme: Scheme, { delivery, payload, secrets, product, now }: ExplainInput): Explanation {
  const { header, credential, algorithm, encoding, notation } = scheme;
  const value = headerValue(delivery, header);
  const signature = value === undefined ? undefined : notation.read(value.trim());
  const explained = explainHmac({
    algorithm,
    encoding,
    body: delivery.body,
    text: payload.text,
    readings: [...(scheme.openReadings?.(delivery) ?? []), ...(scheme.mistakes?.(payload) ?? [])],
    signature: signature ?? value,
    header,
    configured: secrets.for(credential, product),
    others: secrets.all(),
  });
  const expected = explained.expected === undefined ? undefined : notation.write(explained.expected, now);
  const isWritten = value === undefined || signature !== undefined;
  const findings = isWritten
    ? explained.findings
    : [otherNotation(notation), ...explained.findings.filter(({ id }) => id !== "exact")];
  return { ...explained, expected, received: value, findings };
}

function otherNotation({ id, mismatch, form }: Notation): ExplainFinding {
  return { id, matches: true, meaning: `the signature ${mismatch}`, remedy: `write it as ${form}` };
}

/**
 * The guide's "Method 3": lower-case hex HMAC-SHA256 of the body. The guide's own handler hashes
 * `JSON.stringify(req.body)`, so it equals ours for every body that is already in that form, as those of `send` are.
 */
export const guideSignature = bodySignature({
  id: "guide-signature",
  header: "x-zoho-signature",
  credential: "secret",
  key: "secret",
  encoding: "hex",
  mistakes: unwrapped,
});

/** For a form with a JSON body in one of its fields: the signer may not know about the form. */
export function unwrapped({ wrappedIn, text }: Payload): readonly BodyVariant[] {
  if (wrappedIn === undefined || text === undefined) return [];
  const meaning = `the signature is over the JSON within the field ${wrappedIn}, not over the form`;
  return [
    { id: "unwrapped", body: Buffer.from(text), meaning, remedy: "sign and check the same bytes: the whole body" },
  ];
}
