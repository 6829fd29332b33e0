import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { valueAt } from "../delivery/payload.ts";
import { parseJson } from "../util/json.ts";

/** A public key of a JSON Web Key Set (RFC 7517) that can check an RS256 signature. */
export interface PublicKey {
  /** The `kid`, or empty. */
  readonly id: string;
  readonly key: KeyObject;
}

/** The RSA signing keys of a key set; undefined where the text is not a key set. Other kinds of keys are left out. */
export function readKeySet(text: string): readonly PublicKey[] | undefined {
  return keysOf(text)?.flatMap((jwk) => {
    const key = rsaKey(jwk);
    return typeof key === "string" ? [] : [{ id: typeof jwk.kid === "string" ? jwk.kid : "", key }];
  });
}

/** Why `readKeySet` leaves out the key with this id; undefined where the set has no such key. */
export function unfitKey(text: string, id: unknown): string | undefined {
  const jwk = keysOf(text)?.find(({ kid }) => kid === id && id !== undefined);
  const key = jwk === undefined ? undefined : rsaKey(jwk);
  return typeof key === "string" ? key : undefined;
}

type Jwk = Readonly<Record<string, unknown>>;

function keysOf(text: string): readonly Jwk[] | undefined {
  const parsed = parseJson(text);
  const keys = parsed.ok ? valueAt(parsed.value, ["keys"]) : undefined;
  const isJwk = (each: unknown): each is Jwk => typeof valueAt(each, ["kty"]) === "string";
  return Array.isArray(keys) && keys.every(isJwk) ? keys : undefined;
}

/** The key, or why it cannot check RS256 signatures. `use` and `alg` may be missing. */
function rsaKey({ kty, use = "sig", alg = "RS256", kid = "", n, e }: Jwk): KeyObject | string {
  for (const [name, value, needed] of [
    ["kty", kty, "RSA"],
    ["use", use, "sig"],
    ["alg", alg, "RS256"],
  ]) {
    if (value !== needed) return `its ${name} is ${JSON.stringify(value).slice(0, 40)}, not "${needed}"`;
  }
  try {
    if (typeof kid !== "string") return "its kid is not text";
    if (typeof n === "string" && typeof e === "string")
      return createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  } catch {
    // Not a modulus and exponent.
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
