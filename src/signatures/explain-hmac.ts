import { createHash, createHmac } from "node:crypto";
import { type Secret, sameBytes } from "../delivery/secrets.ts";
import type { ExplainFinding, Explanation } from "../model/product.ts";
import { type BodyVariant, bodyEdits, bodyWriter, type Change, inPairs, unrounded } from "./body-variants.ts";
import { combinedFinding, headerMissing } from "./header-verdict.ts";

interface HmacCase {
  readonly algorithm: HmacAlgorithm;
  readonly encoding: SignatureEncoding;
  /** As received. */
  readonly body: Buffer;
  /** The bytes that the scheme signs for a body; the body itself by default. */
  readonly signed?: (body: Buffer) => Buffer;
  /** Other bytes that the signer may have signed. */
  readonly readings?: readonly BodyVariant[];
  /** Describes what is signed. */
  readonly canonical?: string;
  /** The body as JSON text; undefined where the body or the scheme is not JSON. */
  readonly text: string | undefined;
  readonly signature: string | undefined;
  readonly header: string;
  readonly configured: readonly Secret[];
  readonly others: readonly Secret[];
}

/**
 * Tries each known change of the body, the secret and the signature's encoding, alone and together with one of each other
 * kind, and changes of the body also in pairs. The simplest that matches is reported.
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

function signedBytes({ signed = (bytes) => bytes }: HmacCase, body: Buffer): Buffer {
  return signed(body);
}

function search(given: HmacCase, text: string): readonly ExplainFinding[] {
  const signatures = signatureVariants(text, given.algorithm, given.encoding);
  if (signatures.length === 0) return [unreadable(given, text)];
  const misses: ExplainFinding[] = [];
  for (const { bytes, keys } of stages(given)) {
    const findings = tryAll(bytes, keys, signatures);
    if (findings.some((finding) => finding.matches)) return fewestChanges(findings);
    misses.push(...findings);
  }
  return signatures.every(({ isCutOff }) => isCutOff) ? [unreadable(given, text)] : fewestChanges(misses);
}

/** The simplest first: a lost newline is a better explanation than another program's layout. */
function* stages(given: HmacCase): Generator<{ bytes: readonly BodyVariant[]; keys: readonly KeyVariant[] }> {
  const { body } = given;
  const keys = keyVariants(given.configured, given.others);
  const configured = keys.filter((key) => key.id === AS_IS);
  const signed = (bodies: readonly BodyVariant[]): readonly BodyVariant[] =>
    bodies.map((variant) => ({ ...variant, body: signedBytes(given, variant.body) }));
  const asIs = { id: AS_IS, body, meaning: "", remedy: "" };
  const edits = signed([asIs, ...bodyEdits(body)]);
  yield { bytes: [...edits, ...(given.readings ?? [])], keys };
  yield { bytes: edits, keys: plainHashes(given.configured) };
  yield { bytes: signed(inPairs(body, bodyEdits, bodyEdits)), keys: configured };
  if (given.text !== undefined) {
    yield { bytes: signed(unrounded(given.text)), keys: configured };
    const bodyLayouts = bodyWriter();
    yield { bytes: signed(bodyLayouts(body)), keys };
    yield { bytes: signed(inPairs(body, bodyLayouts, bodyLayouts)), keys: configured };
    yield { bytes: signed(inPairs(body, bodyEdits, bodyLayouts)), keys: configured };
    yield { bytes: signed(inPairs(body, bodyLayouts, bodyEdits)), keys: configured };
  }
  const empty = { id: "empty", body: Buffer.alloc(0), meaning: "the signature is over an empty body", remedy: EMPTY };
  yield { bytes: signed([empty]), keys: configured };
}

const AS_IS = "as-is";
const EMPTY = "sign the bytes that are sent: the signer read the body before it had arrived, or after it was consumed";

function tryAll(
  bytes: readonly BodyVariant[],
  keys: readonly KeyVariant[],
  signatures: readonly SignatureVariant[],
): readonly ExplainFinding[] {
  return bytes.flatMap((variant) =>
    keys.flatMap((key) =>
      signatures.map((signature) => {
        const digest = key.digest(signature.algorithm, variant.body).subarray(0, signature.digest.length);
        const changes = [variant, key, signature].filter(({ id }) => id !== AS_IS);
        return combinedFinding(changes, sameBytes(digest, signature.digest));
      }),
    ),
  );
}

/** The matches with the fewest changes, then the misses with a single change, each once. */
function fewestChanges(findings: readonly ExplainFinding[]): readonly ExplainFinding[] {
  const changes = ({ id }: ExplainFinding): number => id.split("+").length;
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

function unreadable({ algorithm, encoding, header }: HmacCase, text: string): ExplainFinding {
  const digits = encoding === "hex" ? createHmac(algorithm, "").digest("hex").length : undefined;
  const wanted = digits === undefined ? "base64" : `${digits} hex digits`;
  return {
    id: "unreadable",
    matches: true,
    meaning: `${header} has ${text.length} characters that are not an HMAC in hex or base64; ${wanted} are expected`,
    remedy: "check that the whole signature was copied, and nothing else",
  };
}

/** A key that the signer may have used, and how; `AS_IS` for a configured secret. */
interface KeyVariant extends Change {
  digest(algorithm: HmacAlgorithm, body: Buffer): Buffer;
}

/** The configured secrets as they are, then with common mistakes, then secrets configured for something else. */
function keyVariants(configured: readonly Secret[], others: readonly Secret[]): readonly KeyVariant[] {
  const found = new Map<string, KeyVariant>();
  for (const [id, value, meaning, remedy] of [
    ...configured.map((secret) => [AS_IS, secret.reveal(), "", ""] as const),
    ...configured.flatMap(mistakenKeys),
    ...others.flatMap(foreignKeys),
  ]) {
    const key = Buffer.from(value);
    const content = key.toString("latin1");
    if (key.length === 0 || found.has(content)) continue;
    const digest: KeyVariant["digest"] = (algorithm, body) => createHmac(algorithm, key).update(body).digest();
    found.set(content, { id, digest, meaning, remedy });
  }
  return [...found.values()];
}

/** Digests that are no HMAC. */
function plainHashes(configured: readonly Secret[]): readonly KeyVariant[] {
  const remedy = "sign with an HMAC that has the secret as its key";
  const hash = (id: string, how: string, before: string, after: string): KeyVariant => ({
    id,
    digest: (algorithm, body) => createHash(algorithm).update(before).update(body).update(after).digest(),
    meaning: `the signature is a plain hash ${how}, not an HMAC`,
    remedy,
  });
  return [
    hash("no-secret", "of the body alone, without a secret", "", ""),
    ...configured.flatMap(({ origin, reveal }) =>
      reveal() === ""
        ? []
        : [
            hash("secret-before-body", `of ${origin} followed by the body`, reveal(), ""),
            hash("secret-after-body", `of the body followed by ${origin}`, "", reveal()),
          ],
    ),
  ];
}

type KeyMistake = readonly [id: string, key: Buffer | string, meaning: string, remedy: string];

function mistakenKeys({ origin, reveal }: Secret): readonly KeyMistake[] {
  const value = reveal();
  const clean = `remove what is around the value of ${origin}`;
  const space = "give both sides the secret without white space around it";
  const atEnd = `the signer's secret has white space at its end that ${origin} does not have`;
  const inQuotes = `the signer's secret is ${origin} in quotes`;
  const unquote = "give both sides the secret without quotes: docker --env-file, for example, makes them part of it";
  const encoding = "give both sides the secret in the same encoding";
  return [
    ["secret-trimmed", value.trim(), `${origin} has white space around it that the signer does not use`, clean],
    ["secret-unquoted", unquoted(value), `${origin} is in quotes that the signer does not use`, clean],
    ...["\n", "\r\n", " "].map((end): KeyMistake => ["secret-space", `${value}${end}`, atEnd, space]),
    ["secret-space", ` ${value}`, `the signer's secret has a space at its start that ${origin} does not have`, space],
    ...['"', "'"].map((quote): KeyMistake => ["secret-quoted", `${quote}${value}${quote}`, inQuotes, unquote]),
    ["secret-base64", fromBase64(value), `the signer uses ${origin} decoded from base64`, encoding],
    ["secret-hex", fromHex(value), `the signer uses ${origin} decoded from hex`, encoding],
    [
      "secret-case",
      value.toLowerCase(),
      `the signer's secret is ${origin} in lower case`,
      `write ${origin} in lower case`,
    ],
  ];
}

function foreignKeys({ origin, reveal }: Secret): readonly KeyMistake[] {
  const remedy = `use ${origin} for this product, or sign with the secret that is configured for it`;
  const trimmed = `it was signed with ${origin} without the white space around it, which is configured for something else`;
  return [
    ["other-secret", reveal(), `it was signed with ${origin}, which is configured for something else`, remedy],
    ["other-secret+secret-trimmed", reveal().trim(), trimmed, remedy],
  ];
}

function unquoted(value: string): string {
  return value.trim().replace(/^(["'])(.*)\1$/s, "$2");
}

function fromBase64(value: string): Buffer {
  return /^[A-Za-z0-9+/_-]{8,}={0,2}$/.test(value) ? Buffer.from(value, "base64") : Buffer.alloc(0);
}

function fromHex(value: string): Buffer {
  return /^(?:[0-9a-f]{2}){4,}$/i.test(value) ? Buffer.from(value, "hex") : Buffer.alloc(0);
}

export type HmacAlgorithm = "sha256" | "sha1" | "sha512" | "sha384" | "md5";
export type SignatureEncoding = "hex" | "base64";

/** One way to decode a signature; `AS_IS` for the right one. */
interface SignatureVariant extends Change {
  readonly digest: Buffer;
  readonly algorithm: HmacAlgorithm;
  /** The digest is only the first bytes of one. */
  readonly isCutOff: boolean;
}

const BY_LENGTH: Readonly<Record<number, HmacAlgorithm>> = {
  16: "md5",
  20: "sha1",
  32: "sha256",
  48: "sha384",
  64: "sha512",
};
const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

type Mistake = Omit<Change, "remedy">;

/** The right decoding first. Only cut-off ones, or none, where no decoding gives an HMAC. */
function signatureVariants(
  text: string,
  algorithm: HmacAlgorithm,
  encoding: SignatureEncoding,
): readonly SignatureVariant[] {
  const bare = text
    .trim()
    .replace(/^["']|["']$/g, "")
    .replace(/^(?:sha\d+|v\d+)[=,:]/i, "");
  const around =
    bare === text ? [] : [{ id: "decorated", meaning: "the signature has a prefix, quotes or white space around it" }];
  const decoded = [...decodings(bare, encoding), ...cutOff(bare, algorithm, encoding)];
  return decoded.flatMap(({ digest, mistakes, isCutOff = false }) => {
    const found = isCutOff ? algorithm : BY_LENGTH[digest.length];
    if (found === undefined) return [];
    const other = {
      id: `${found}-for-${algorithm}`,
      meaning: `it is an HMAC with ${found}; ${algorithm} is expected`,
    };
    const all: readonly Mistake[] = [...around, ...mistakes, ...(found === algorithm ? [] : [other])];
    return [
      {
        id: all.length === 0 ? AS_IS : all.map((each) => each.id).join("+"),
        digest,
        algorithm: found,
        isCutOff,
        meaning: all.map((each) => each.meaning).join("; and "),
        remedy: `write the whole signature as ${encoding === "hex" ? "lower-case hex" : encoding} of HMAC-${algorithm.toUpperCase()} with nothing around it`,
      },
    ];
  });
}

interface Decoding {
  readonly digest: Buffer;
  readonly mistakes: readonly Mistake[];
  readonly isCutOff?: boolean;
}

/** Fewer bytes could match by chance. */
const MIN_CUT_OFF_BYTES = 8;

/** The first bytes of a digest in the right encoding: some signers keep only half of it, and columns cut it. */
function cutOff(text: string, algorithm: HmacAlgorithm, encoding: SignatureEncoding): readonly Decoding[] {
  const length = createHash(algorithm).digest(encoding).replace(/=+$/, "").length;
  const given = text.replace(/=+$/, "");
  if (given.length >= length || !/^[A-Za-z0-9+/]+$/.test(given)) return [];
  if (encoding === "hex" && !/^[0-9a-f]+$/i.test(given)) return [];
  // Half a byte at the end is left out.
  const digest = Buffer.from(encoding === "hex" ? given.slice(0, given.length & ~1) : given, encoding);
  if (digest.length < MIN_CUT_OFF_BYTES) return [];
  const meaning = `the signature is cut off: it has the first ${given.length} of ${length} characters`;
  return [{ digest, mistakes: [{ id: "cut-off", meaning }], isCutOff: true }];
}

function decodings(text: string, encoding: SignatureEncoding): readonly Decoding[] {
  if (HEX.test(text) && BY_LENGTH[text.length / 2] !== undefined) {
    const upper = { id: "upper-case", meaning: "the signature is in upper case" };
    const wrong = { id: "hex-for-base64", meaning: "the signature is in hex; base64 is expected" };
    const mistakes = encoding === "base64" ? [wrong] : text === text.toLowerCase() ? [] : [upper];
    return [{ digest: Buffer.from(text, "hex"), mistakes }];
  }
  // Base64 of an HMAC has other letters too: hex digits alone were cut or added to.
  if (!BASE64.test(text) || /^[0-9a-f]+$/i.test(text)) return [];
  const digest = Buffer.from(text, "base64");
  const inner = digest.toString("latin1");
  if (HEX.test(inner)) {
    const mistake = { id: "base64-of-hex", meaning: "the signature is the base64 of its hex digits" };
    return [{ digest: Buffer.from(inner, "hex"), mistakes: [mistake] }];
  }
  const wrong = { id: "base64-for-hex", meaning: "the signature is in base64; hex is expected" };
  return [{ digest, mistakes: encoding === "hex" ? [wrong] : [] }];
}
