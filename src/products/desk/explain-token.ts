import { isSignedBy, type JsonWebToken, parseToken } from "../../core/json-web-token.ts";
import { type PublicKey, readKeySet, unfitKey } from "../../core/key-set.ts";
import type { Explanation, Finding } from "../../core/product.ts";
import type { Secret } from "../../core/secret.ts";
import type { WrongClaim } from "./claims.ts";

const DESK_ALGORITHM = "RS256";

/** Why a token of Desk's fails: what was read of it, and which known mistake makes it right. */
export function explainToken(text: string, secrets: readonly Secret[], wrong: WrongClaim | undefined): Explanation {
  const keys = secrets.flatMap((secret) => readKeySet(secret.reveal()) ?? []);
  const token = parseToken(text);
  const bare = unwrapped(text);
  const named = token === undefined ? undefined : keys.filter(({ id }) => id === token.header.kid || id === "");
  const isSigned = token !== undefined && signedByAny(token, keys);
  const [unfit] = secrets.flatMap((secret) => unfitKey(secret.reveal(), token?.header.kid) ?? []);
  const findings: readonly Finding[] = [
    {
      id: "wrapped",
      matches: bare !== text.trim() && parseToken(bare) !== undefined,
      meaning: 'the JWT has "Bearer " before it, or quotes around it: the header holds it bare',
      remedy: "hand the value of X-ZDesk-JWT over as it came",
    },
    {
      id: "cut-off",
      matches: token === undefined ? /^[\w-]+(\.[\w-]+)?\.?$/.test(bare) : isCutOff(token, keys),
      meaning: "the JWT was cut off: its end is missing",
      remedy: "copy the whole value, three parts with dots between them",
    },
    {
      id: "algorithm",
      matches: token !== undefined && token.header.alg !== DESK_ALGORITHM,
      meaning: `it is made with ${said(token?.header.alg)}, and Desk signs with ${DESK_ALGORITHM}: it is not Desk's`,
      remedy: "do not trust it: whoever made it does not have Desk's key",
    },
    {
      id: "other-key",
      matches: isSigned && named?.length === 0,
      meaning: "it is signed with one of the keys, under another name (kid) than that key has in the set",
      remedy: "serve or save the key set anew: its names and its keys do not belong together",
    },
    {
      id: "unknown-key",
      matches: token?.header.alg === DESK_ALGORITHM && !isSigned && named?.length === 0,
      meaning:
        token?.header.kid === undefined
          ? "it names no key, and none of the set has signed it"
          : unfit === undefined
            ? "the key that it names is not in the set"
            : `the key that it names is in the set, but not to check signatures with: ${unfit}`,
      remedy: "take the set of the organisation's own data centre, or the newest one: ZOHO_WEBHOOK_JWKS=us, eu, in …",
    },
    {
      id: "claims",
      matches: isSigned && named?.length !== 0 && wrong !== undefined,
      meaning: `its signature is right; what it claims is not: ${wrong?.reason}`,
      ...(wrong === undefined ? {} : { remedy: wrong.remedy }),
    },
  ];
  return { canonical: readingOf(text, token), findings, expected: undefined, received: undefined };
}

function signedByAny(token: JsonWebToken, keys: readonly PublicKey[]): boolean {
  return keys.some(({ key }) => isSignedBy(token, key));
}

function unwrapped(text: string): string {
  const quoted = text.trim().replace(/^(["'])(.*)\1$/s, "$2");
  return quoted.replace(/^bearer\s+/i, "").trim();
}

/** An RSA signature is as long as its key. */
function isCutOff({ header, signature }: JsonWebToken, keys: readonly PublicKey[]): boolean {
  if (header.alg !== DESK_ALGORITHM) return false;
  const lengths = keys.map(({ key }) => (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  return lengths.length > 0 && lengths.every((length) => signature.length < length);
}

function readingOf(text: string, token: JsonWebToken | undefined): string {
  if (token === undefined)
    return `a JWT, three parts of base64url with dots between them; this has ${text.length} characters`;
  const { header, claims } = token;
  const parts = [
    `algorithm ${said(header.alg)}`,
    `key ${said(header.kid)}`,
    `by ${said(claims.iss)}`,
    `for ${said(claims.aud)}`,
    `made ${moment(claims.iat)}`,
    `expires ${moment(claims.exp)}`,
  ];
  return `the JWT's own header and claims, and nothing of the body: ${parts.join(", ")}`;
}

function said(value: unknown): string {
  return value === undefined ? "not said" : JSON.stringify(value).slice(0, 80);
}

/** Seconds since 1970, as JWTs count. */
function moment(seconds: unknown): string {
  if (typeof seconds !== "number") return said(seconds);
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? said(seconds) : at.toISOString();
}
