import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { headerValue, withHeader } from "../../body/delivery.ts";
import type { Secret } from "../../body/secret.ts";
import { usageError } from "../../util/errors.ts";
import { minifyJson } from "../../util/json-print.ts";
import type { Finding, Proof } from "../product.ts";
import { bodyEdits, bodyWriter } from "./body-variants.ts";
import { checkHeader, headerMissing, whyAltered } from "./verdict.ts";

interface RsaSignature {
  readonly id: string;
  readonly header: string;
  /**
   * Receivers check it over the body serialised again, so white space between its parts may differ. Nothing else may: parsing
   * rounds numbers and drops names that stand twice, and then other bodies would pass, too.
   */
  readonly ofCompact?: boolean;
}

/** A header with the base64 of an RSA signature (PKCS#1 v1.5, SHA-256) over the raw body. */
export function rsaSignature({ id, header, ofCompact = false }: RsaSignature): Proof {
  const proves = "body";
  return {
    id,
    proves,
    credential: "publicKey",
    signingCredential: "privateKey",
    header,
    title: `${header}: RSA-SHA256 of the body, base64`,
    sign: (delivery, key) =>
      withHeader(delivery, header, sign("sha256", delivery.body, readPrivateKey(key)).toString("base64")),
    forge: (delivery) => withHeader(delivery, header, noSignature(delivery.body).toString("base64")),
    verify(delivery, payload, keys) {
      return checkHeader(
        { id, proves, header, key: "public key" },
        headerValue(delivery, header),
        keys,
        (signature) => {
          const match = matchingKey(keys, delivery.body, signature);
          if (match !== undefined) return { verdict: "passed", reason: `signed with the key of ${match.origin}` };
          const spaced = ofCompact && payload.text !== undefined ? Buffer.from(minifyJson(payload.text)) : undefined;
          const unspaced = spaced === undefined ? undefined : matchingKey(keys, spaced, signature);
          if (unspaced !== undefined)
            return { verdict: "passed", reason: `signed with the key of ${unspaced.origin}, without its white space` };
          const isSigned = (body: Buffer): boolean => matchingKey(keys, body, signature) !== undefined;
          const altered = whyAltered(delivery.body, payload.text, isSigned);
          if (altered !== undefined) return altered;
          const length = wrongLength(keys, signature);
          return {
            verdict: "failed",
            reason:
              length === undefined
                ? "the signature does not match the body: the key is different, or the bytes were changed"
                : `${header} ${length}`,
          };
        },
      );
    },
    explain(delivery, _payload, secrets, product) {
      const keys = secrets.for("publicKey", product);
      const signature = headerValue(delivery, header);
      const canonical = `the raw body, ${delivery.body.length} bytes; keys tried: ${keys.map((key) => `${key.origin} (${readPublicKeys(key).map(fingerprint).join(", ")})`).join(", ") || "none"}`;
      // Only the private key can tell what would be expected, and the checking side has none.
      const said = { canonical, expected: undefined, received: signature };
      if (signature === undefined) return { ...said, findings: [headerMissing(header)] };
      const variants = [AS_IT_IS, ...bodyEdits(delivery.body), ...bodyWriter()(delivery.body)];
      const length = wrongLength(keys, signature);
      if (length !== undefined) {
        const remedy = "copy the whole signature; if it went through a form or a URL, it may have lost every +";
        return { ...said, findings: [{ id: "length", matches: true, meaning: `${header} ${length}`, remedy }] };
      }
      const findings = readings(signature).flatMap((reading) =>
        variants.map((variant): Finding => {
          const causes = [reading, variant].filter(({ id }) => id !== "exact");
          const remedy = causes.map((cause) => cause.remedy).join("; ");
          return {
            id: causes.map(({ id }) => id).join("+") || "exact",
            matches: matchingKey(keys, variant.body ?? delivery.body, reading.signature) !== undefined,
            meaning: causes.map(({ meaning }) => meaning).join("; and ") || "the signature matches the body exactly",
            ...(remedy === "" ? {} : { remedy }),
          };
        }),
      );
      return {
        ...said,
        // Several changes may lead to the same bytes: the plainest comes first.
        findings: [
          ...findings.filter(({ matches }) => matches).slice(0, 1),
          ...findings.filter(({ matches }) => !matches),
        ],
      };
    },
  };
}

const AS_IT_IS = { id: "exact", body: undefined, meaning: "", remedy: "" };

/** The ways in which a signature can be read, the right one first; each as base64. */
function readings(signature: string) {
  const bare = signature.trim().replace(/^["']|["']$/g, "");
  const exact = { ...AS_IT_IS, signature };
  if (!/^(?:[0-9a-f]{2}){64,}$/i.test(bare)) return [exact];
  const inBase64 = Buffer.from(bare, "hex").toString("base64");
  const meaning = "the signature is in hex; base64 is expected";
  return [exact, { id: "hex-for-base64", signature: inBase64, meaning, remedy: "write it as base64" }];
}

/** How a signature is not as long as every one is that these keys make; undefined where it is, or where there are none. */
function wrongLength(keys: readonly Secret[], signature: string): string | undefined {
  const bits = keys.flatMap((key) => readPublicKeys(key).map((each) => each.asymmetricKeyDetails?.modulusLength ?? 0));
  const lengths = [...new Set(bits.map((each) => Math.ceil(each / 8)))];
  const { length } = Buffer.from(signature, "base64");
  const isInHex = readings(signature).length > 1;
  if (isInHex || lengths.length === 0 || lengths.includes(length)) return undefined;
  return `is ${length} bytes in base64, but a signature with this key has ${lengths.join(" or ")}: it was cut or added to, or made with another key`;
}

/** A variable may hold several keys one after the other: Zoho signs with the older one while a new one is set up. */
function matchingKey(keys: readonly Secret[], body: Buffer, signature: string): Secret | undefined {
  const bytes = Buffer.from(signature, "base64");
  return keys.find((key) => readPublicKeys(key).some((each) => verify("sha256", body, each, bytes)));
}

/** Tells two keys apart without showing either: the start of the SHA-256 of its DER form. */
function fingerprint(key: KeyObject): string {
  return `SHA-256 ${createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16)}…`;
}

/** Of the length of a real one, and the same each time. */
function noSignature(body: Buffer): Buffer {
  const digests = Array.from({ length: 8 }, (_, i) => createHash("sha256").update(`${i}`).update(body).digest());
  return Buffer.concat(digests);
}

/**
 * RSA public keys as Zoho's screens show them: one or more in PEM, or the bare base64 of one without its first and
 * last line. Throws a usage error that names where the key came from, never the key.
 */
export function readPublicKeys(key: Secret): readonly KeyObject[] {
  const text = withLines(key);
  const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [asPem(text)];
  return blocks.map((block) => read(key, "public", () => createPublicKey(block)));
}

export function readPrivateKey(key: Secret): KeyObject {
  return read(key, "private", () => createPrivateKey(withLines(key)));
}

/** Where a variable can hold one line only, the ends of lines are commonly written as `\\n`, which no key has in it. */
function withLines(key: Secret): string {
  return key.reveal().replaceAll("\\n", "\n");
}

function asPem(text: string): string {
  const bare = text.replace(/\s+/g, "");
  if (text.includes("-----BEGIN") || !/^[A-Za-z0-9+/]+=*$/.test(bare)) return text;
  return `-----BEGIN PUBLIC KEY-----\n${bare.replace(/.{64}/g, "$&\n")}\n-----END PUBLIC KEY-----\n`;
}

function read(key: Secret, what: "public" | "private", parse: () => KeyObject): KeyObject {
  let parsed: KeyObject | undefined;
  try {
    parsed = parse();
  } catch {
    // What OpenSSL says of a wrong key helps nobody, and may quote it.
  }
  if (parsed?.asymmetricKeyType === "rsa") return parsed;
  throw usageError(
    `${key.origin} is not an RSA ${what} key`,
    `set it to the key as PEM (-----BEGIN ${what === "public" ? "PUBLIC" : "PRIVATE"} KEY-----), or to the name of a file with it`,
  );
}
