import { createHash, createHmac } from "node:crypto";
import { type Delivery, headerValue, withHeader } from "../../body/delivery.ts";
import type { Payload } from "../../body/payload.ts";
import { type Credential, type Secret, sameText } from "../../body/secret.ts";
import type { Finding, Proof } from "../product.ts";
import type { BodyVariant } from "./body-variants.ts";
import { explainHmac, type HmacAlgorithm, type SignatureEncoding } from "./explain-hmac.ts";
import { checkHeader, whyAltered } from "./verdict.ts";

interface BodySignature {
  readonly id: string;
  readonly header: string;
  readonly credential: Credential;
  /** What people call the credential: `secret`, `hook secret`. */
  readonly key: string;
  /** SHA-256 in base64 unless told. */
  readonly algorithm?: HmacAlgorithm | undefined;
  readonly encoding?: SignatureEncoding | undefined;
  /** What stands before it in the header: `sha256=`. */
  readonly prefix?: string | undefined;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string;
  /** What else is worth saying of a delivery that passed. */
  remark?(delivery: Delivery, now: Date): string | undefined;
  /**
   * Other bytes that such a signature may cover, where the sender's documentation leaves it open: whichever it is, a match
   * with the secret proves the body.
   */
  openReadings?(delivery: Delivery): readonly BodyVariant[];
  /** Other bytes that a signer may have taken by mistake, to explain a failure. */
  mistakes?(payload: Payload): readonly BodyVariant[];
}

/** A header with an HMAC over the raw body, keyed with the secret as text. */
export function bodySignature(scheme: BodySignature): Proof {
  const { id, header, credential, key, exception, algorithm = "sha256", encoding = "base64", prefix = "" } = scheme;
  const proves = "body" as const;
  const hmac = (body: Buffer, secret: Secret): string =>
    createHmac(algorithm, secret.reveal()).update(body).digest(encoding);
  return {
    id,
    proves,
    credential,
    header,
    title: `${header}: HMAC-${algorithm.replace("sha", "SHA")} of the body, ${encoding}`,
    sign: (delivery, secret) => withHeader(delivery, header, prefix + hmac(delivery.body, secret)),
    verify(delivery, payload, secrets, now) {
      return checkHeader({ id, proves, header, key, exception }, headerValue(delivery, header), secrets, (value) => {
        if (!value.trim().startsWith(prefix))
          return { verdict: "failed", reason: `${header} does not begin with ${prefix}` };
        const signature = value.trim().slice(prefix.length);
        const matching = (body: Buffer): Secret | undefined =>
          secrets.find((secret) => sameText(signature, hmac(body, secret)));
        const match = matching(delivery.body);
        if (match !== undefined) {
          const remark = scheme.remark?.(delivery, now);
          return {
            verdict: "passed",
            reason: `signed with ${match.origin}${remark === undefined ? "" : `; ${remark}`}`,
          };
        }
        for (const { body, meaning } of scheme.openReadings?.(delivery) ?? []) {
          const open = matching(body);
          if (open !== undefined) return { verdict: "passed", reason: `signed with ${open.origin}; ${meaning}` };
        }
        const altered = whyAltered(delivery.body, payload.text, (body) => matching(body) !== undefined);
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
      });
    },
    explain(delivery, payload, secrets, product) {
      const value = headerValue(delivery, header);
      const explained = explainHmac({
        algorithm,
        encoding,
        body: delivery.body,
        text: payload.text,
        readings: [...(scheme.openReadings?.(delivery) ?? []), ...(scheme.mistakes?.(payload) ?? [])],
        signature: withoutPrefix(value, prefix),
        header,
        configured: secrets.for(credential, product),
        others: secrets.all(),
      });
      const expected = explained.expected === undefined ? undefined : prefix + explained.expected;
      const findings = value === undefined || value.trim().startsWith(prefix) ? [] : [prefixMissing(prefix)];
      const rest = findings.length === 0 ? explained.findings : explained.findings.filter(({ id }) => id !== "exact");
      return { ...explained, expected, received: value, findings: [...findings, ...rest] };
    },
  };
}

function isEncoded(text: string, bytes: number, encoding: SignatureEncoding): boolean {
  if (encoding === "hex") return text.length === 2 * bytes && /^[0-9a-f]+$/.test(text);
  const decoded = Buffer.from(text, "base64");
  return decoded.length === bytes && decoded.toString("base64") === text;
}

function prefixMissing(prefix: string): Finding {
  return {
    id: "prefix-missing",
    matches: true,
    meaning: `the signature does not begin with ${prefix}`,
    remedy: `write it as ${prefix}…`,
  };
}

/** What is no signature of the scheme is looked at as it came. */
function withoutPrefix(value: string | undefined, prefix: string): string | undefined {
  return value?.trim().startsWith(prefix) === true ? value.trim().slice(prefix.length) : value;
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

/** A form that holds a JSON body in one of its fields: the signer may know nothing of the form. */
function unwrapped({ wrappedIn, text }: Payload): readonly BodyVariant[] {
  if (wrappedIn === undefined || text === undefined) return [];
  const meaning = `the signature is over the JSON within the field ${wrappedIn}, not over the form`;
  return [
    { id: "unwrapped", body: Buffer.from(text), meaning, remedy: "sign and check the same bytes: the whole body" },
  ];
}
