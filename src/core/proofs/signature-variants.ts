export type HmacAlgorithm = "sha256" | "sha1" | "sha512" | "sha384" | "md5";
export type SignatureEncoding = "hex" | "base64";

/** The digest that a signature may stand for, and the mistake in writing it that this would be. */
export interface SignatureVariant {
  /** `as-is` for the one right way of writing it. */
  readonly id: string;
  readonly digest: Buffer;
  readonly algorithm: HmacAlgorithm;
  readonly meaning: string;
  readonly remedy: string;
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

interface Mistake {
  readonly id: string;
  readonly meaning: string;
}

/** The ways in which a signature can be read, the right one first. Empty for what is no HMAC in any writing. */
export function signatureVariants(
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
  return readings(bare, encoding).flatMap(({ digest, mistakes }) => {
    const found = BY_LENGTH[digest.length];
    if (found === undefined) return [];
    const other = {
      id: `${found}-for-${algorithm}`,
      meaning: `it is an HMAC with ${found}; ${algorithm} is expected`,
    };
    const all: readonly Mistake[] = [...around, ...mistakes, ...(found === algorithm ? [] : [other])];
    return [
      {
        id: all.length === 0 ? "as-is" : all.map((each) => each.id).join("+"),
        digest,
        algorithm: found,
        meaning: all.map((each) => each.meaning).join("; and "),
        remedy: `write the signature as ${encoding === "hex" ? "lower-case hex" : encoding} of HMAC-${algorithm.toUpperCase()} with nothing around it`,
      },
    ];
  });
}

function readings(
  text: string,
  encoding: SignatureEncoding,
): readonly { digest: Buffer; mistakes: readonly Mistake[] }[] {
  if (HEX.test(text) && BY_LENGTH[text.length / 2] !== undefined) {
    const upper = { id: "upper-case", meaning: "the signature is in upper case" };
    const wrong = { id: "hex-for-base64", meaning: "the signature is in hex; base64 is expected" };
    const mistakes = encoding === "base64" ? [wrong] : text === text.toLowerCase() ? [] : [upper];
    return [{ digest: Buffer.from(text, "hex"), mistakes }];
  }
  // An HMAC in base64 has other letters, too: hex digits alone are a few too many or too few.
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
