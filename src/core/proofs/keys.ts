import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";

/** A public key of a JSON Web Key Set (RFC 7517) that can check an RS256 signature. */
export interface PublicKey {
  /** Empty where the set names none. */
  readonly id: string;
  readonly key: KeyObject;
}

function keySet() {
  return z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });
}

function rsaKey() {
  return z.looseObject({
    kty: z.literal("RSA"),
    n: z.string(),
    e: z.string(),
    kid: z.string().optional(),
    use: z.literal("sig").optional(),
    alg: z.literal("RS256").optional(),
  });
}

function keysOf(text: string) {
  try {
    return keySet().safeParse(JSON.parse(text)).data?.keys;
  } catch {
    return undefined;
  }
}

/** The RSA signing keys of a key set; undefined where the text is not a key set. Other kinds of keys are left out. */
export function readKeySet(text: string): readonly PublicKey[] | undefined {
  const schema = rsaKey();
  return keysOf(text)?.flatMap((each) => {
    const rsa = schema.safeParse(each);
    if (!rsa.success) return [];
    const { kty, n, e, kid = "" } = rsa.data;
    try {
      return [{ id: kid, key: createPublicKey({ key: { kty, n, e }, format: "jwk" }) }];
    } catch {
      return [];
    }
  });
}

/** Why `readKeySet` leaves out the key with this id; undefined where the set has no such key. */
export function unfitKey(text: string, id: unknown): string | undefined {
  const key = keysOf(text)?.find(({ kid }) => kid === id && id !== undefined);
  if (key === undefined) return undefined;
  for (const [name, needed] of [
    ["kty", "RSA"],
    ["use", "sig"],
    ["alg", "RS256"],
  ] as const) {
    const value = key[name];
    if (value !== undefined && value !== needed)
      return `its ${name} is ${JSON.stringify(value).slice(0, 40)}, not "${needed}"`;
  }
  return "its n and e are not an RSA key";
}

/** The `match` of a verdict where the signing key is in none of the sets at hand. */
export const UNKNOWN_KEY = "unknown_key";

/** The key set for receivers: the public halves of the keys, each once. */
export function writeKeySet(...keys: readonly KeyObject[]): string {
  const byId = new Map(keys.map((key) => [keyId(key), publicPart(key)]));
  return JSON.stringify({
    keys: [...byId].map(([kid, { n, e }]) => ({ kty: "RSA", use: "sig", alg: "RS256", kid, n, e })),
  });
}

/** The key's thumbprint (RFC 7638): the same for both halves, on every machine. */
export function keyId(key: KeyObject): string {
  const { n, e } = publicPart(key);
  return createHash("sha256")
    .update(JSON.stringify({ e, kty: "RSA", n }))
    .digest("base64url");
}

function publicPart(key: KeyObject): { readonly n: string; readonly e: string } {
  const { n = "", e = "" } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  return { n, e };
}

/** A decoded compact JWS (RFC 7515). Nothing in it is verified. */
export interface JsonWebToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The first two parts as received. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Undefined unless the text is three parts of base64url, the first two JSON objects. */
export function parseToken(text: string): JsonWebToken | undefined {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/.exec(text.trim());
  const header = readPart(parts?.[1]);
  const claims = readPart(parts?.[2]);
  if (parts === null || header === undefined || claims === undefined) return undefined;
  return { header, claims, signed: `${parts[1]}.${parts[2]}`, signature: Buffer.from(parts[3] ?? "", "base64url") };
}

/** RSASSA-PKCS1-v1_5 with SHA-256: the `RS256` of RFC 7518. */
export function signToken(header: object, claims: object, key: KeyObject): string {
  const signed = `${writePart({ ...header, alg: "RS256" })}.${writePart(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

/** Takes RSA keys. */
export function isSignedBy({ signed, signature }: JsonWebToken, key: KeyObject): boolean {
  return verify("sha256", Buffer.from(signed), key, signature);
}

function readPart(part: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function writePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
