import { type KeyObject, sign, verify } from "node:crypto";

/** A compact JWS (RFC 7515) with a JSON object in it, taken apart. Nothing of it is verified. */
export interface JsonWebToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What is signed: the first two parts as they came. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Undefined when the text is no JWT: not three parts of base64url, or not JSON objects in the first two. */
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

/** With an RSA key. */
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
