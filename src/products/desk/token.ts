import { type Delivery, headerValue, withHeader } from "../../delivery/delivery.ts";
import { textAt } from "../../delivery/payload.ts";
import { readPrivateKey } from "../../delivery/rsa-keys.ts";
import type { Secret } from "../../delivery/secrets.ts";
import type { FormatSettings } from "../../model/format-settings.ts";
import type { ExplainFinding, Explanation, Proof, Verdict } from "../../model/product.ts";
import { missingVerdict, noKeyReason } from "../../model/verdict.ts";
import { headerMissing } from "../../signatures/header-verdict.ts";
import {
  isSignedBy,
  type JsonWebToken,
  keyId,
  type PublicKey,
  parseToken,
  readKeySet,
  signToken,
  UNKNOWN_KEY,
  unfitKey,
} from "../../signatures/keys.ts";
import { parseJson } from "../../util/json.ts";
import { formatAge } from "../../util/units.ts";

const HEADER = "X-ZDesk-JWT";
const ALGORITHM = "RS256";
/** The lifetime of tokens for receivers in use. */
const LIFETIME_SECONDS = 600;
/** For samples without a webhook. */
const SAMPLE_AUDIENCE = "webhookId:189200000000321001";

/** The public keys of each data centre. */
const KEY_SETS = Object.fromEntries(
  [
    ["us", "zoho.com"],
    ["eu", "zoho.eu"],
    ["in", "zoho.in"],
    ["au", "zoho.com.au"],
    ["jp", "zoho.jp"],
    ["ca", "zohocloud.ca"],
    ["cn", "zoho.com.cn"],
    ["sa", "zoho.sa"],
    ["uk", "zoho.uk"],
    ["ae", "zoho.ae"],
  ].map(([centre, domain]) => [centre, `https://desk.${domain}/.well-known/jwks.json`]),
);

/**
 * An RS256 JWT that Desk makes for a webhook, verified with the data centre's public keys. It names the organisation and the
 * webhook but does not cover the body: a stolen one is valid with any body until it expires.
 */
export function deskToken({ issuer, audience }: FormatSettings): Proof {
  const expected = { issuer, audience };
  return {
    id: "desk-token",
    proves: "sender",
    credential: "jwks",
    signingCredential: "privateKey",
    header: HEADER,
    keySets: KEY_SETS,
    // Desk signs for all customers with the same keys, and the body, which names the organisation, is not signed.
    ...(issuer === undefined && audience === undefined ? { unboundWithout: ["audience", "issuer"] as const } : {}),
    title: `${HEADER}: a JWT (RS256) that does not cover the body`,
    sign(delivery, secret, now) {
      const key = readPrivateKey(secret);
      const iat = Math.floor(now.getTime() / 1000);
      const claims = {
        iss: issuer ?? `orgId:${orgOf(delivery) ?? ""}`,
        aud: audience ?? SAMPLE_AUDIENCE,
        iat,
        exp: iat + LIFETIME_SECONDS,
      };
      return withHeader(delivery, HEADER, signToken({ typ: "JWT", kid: keyId(key) }, claims, key));
    },
    forge(delivery, now) {
      const header = JSON.stringify({ alg: ALGORITHM, typ: "JWT" });
      const claims = JSON.stringify({ iss: "orgId:0", exp: Math.floor(now.getTime() / 1000) + 60 });
      const parts = [header, claims, "not a signature"];
      return withHeader(delivery, HEADER, parts.map((part) => Buffer.from(part).toString("base64url")).join("."));
    },
    verify({ delivery, payload, secrets, now, limits }) {
      const at = { id: this.id, proves: this.proves };
      const text = headerValue(delivery, HEADER);
      if (text === undefined) {
        return secrets.length === 0
          ? { ...at, verdict: "absent", reason: `no ${HEADER} header` }
          : missingVerdict(at, `keys are configured, but there is no ${HEADER} header`);
      }
      const token = parseToken(text);
      if (token === undefined) return { ...at, verdict: "failed", reason: `${HEADER} is not a JWT` };
      const wrong = wrongAlgorithm(token);
      if (wrong !== undefined) return { ...at, verdict: "failed", reason: wrong };
      if (secrets.length === 0) {
        return { ...at, verdict: "unconfigured", reason: noKeyReason(this.credential) };
      }
      const toleranceMs = limits?.toleranceMs;
      return {
        ...at,
        ...verifyToken(token, secrets, { ...expected, orgIds: orgIdsIn(payload.data), now, toleranceMs }),
      };
    },
    explain({ delivery, payload, secrets, product, now, limits }) {
      const text = headerValue(delivery, HEADER);
      if (text === undefined) {
        const canonical = "a JWT, three parts of base64url with dots between them";
        return { canonical, findings: [headerMissing(HEADER)], expected: undefined, received: undefined };
      }
      const claims = parseToken(text)?.claims ?? {};
      const toleranceMs = limits?.toleranceMs;
      const wrong = wrongClaim(claims, { ...expected, orgIds: orgIdsIn(payload.data), now, toleranceMs });
      return explainToken(text, secrets.for(this.credential, product), wrong);
    },
  };
}

/** Nothing but RS256 is tried: with HMAC anybody could sign with the public key as the secret. */
function wrongAlgorithm({ header }: JsonWebToken): string | undefined {
  const algorithm = typeof header.alg === "string" ? header.alg : "";
  if (/^none$/i.test(algorithm)) return "the JWT is not signed: its algorithm is none";
  if (algorithm !== ALGORITHM)
    return `the JWT's algorithm is ${JSON.stringify(algorithm.slice(0, 20))}, not ${ALGORITHM}`;
  return header.crit === undefined ? undefined : "the JWT requires an extension (crit), and none is supported";
}

interface Expected {
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  /** The organisations of the body's events, which the issuer must match. */
  readonly orgIds: readonly string[];
  readonly now: Date;
  readonly toleranceMs: number | undefined;
}

function verifyToken(
  token: JsonWebToken,
  secrets: readonly Secret[],
  expected: Expected,
): Pick<Verdict, "verdict" | "reason" | "match"> {
  const sets = secrets.map((secret) => ({ origin: secret.origin, keys: readKeySet(secret.reveal()) }));
  const broken = sets.find(({ keys }) => keys === undefined);
  if (broken !== undefined) return { verdict: "failed", reason: `${broken.origin} holds no key set (JWKS)` };
  const origins = sets.map(({ origin }) => origin).join(", ");
  const { kid } = token.header;
  const known = sets.flatMap(({ keys = [] }) => keys);
  const keys = typeof kid === "string" ? known.filter(({ id }) => id === kid || id === "") : known;
  if (keys.length === 0) {
    const name = typeof kid === "string" ? `key ${JSON.stringify(kid.slice(0, 60))}` : "a key without a name";
    const [unfit] = secrets.flatMap((secret) => unfitKey(secret.reveal(), kid) ?? []);
    const why =
      unfit === undefined
        ? `which is not in ${origins}: it is another data centre's, or the keys have changed`
        : `which is in ${origins}, but cannot verify signatures: ${unfit}`;
    return { verdict: "failed", match: UNKNOWN_KEY, reason: `signed with ${name}, ${why}` };
  }
  if (!keys.some(({ key }) => isSignedBy(token, key)))
    return { verdict: "failed", reason: `the JWT's signature does not match the keys of ${origins}` };
  const wrong = wrongClaim(token.claims, expected);
  if (wrong !== undefined) return { verdict: "failed", reason: wrong.reason };
  const unchecked = expected.audience === undefined ? '; set "audience" to check that it is for your webhook' : "";
  return {
    verdict: "passed",
    reason: `signed with a key of ${origins}, which covers the sender, not the body${unchecked}`,
  };
}

/** The organisation of each event in a delivery. */
function orgIdsIn(data: unknown): readonly string[] {
  const events: readonly unknown[] = Array.isArray(data) ? data : [];
  return events.flatMap((each) => textAt(each, ["orgId"]) ?? []);
}

function orgOf(delivery: Delivery): string | undefined {
  const parsed = parseJson(delivery.body.toString("utf8"));
  return parsed.ok ? orgIdsIn(parsed.value)[0] : undefined;
}

/** The allowed difference between two clocks. */
const CLOCK_SKEW_MS = 5_000;
/** No token is known to live longer: a tolerance above this is for recorded deliveries. */
const MAX_LIFETIME_MS = 600_000;

interface WrongClaim {
  readonly reason: string;
  readonly remedy: string;
}

/** Undefined for valid claims. */
function wrongClaim(claims: Readonly<Record<string, unknown>>, expected: Expected): WrongClaim | undefined {
  const time = wrongTime(claims, expected);
  if (time !== undefined) return time;
  const reason = wrongIssuer(claims.iss, expected) ?? wrongAudience(claims.aud, expected);
  const remedy =
    "check that the delivery is for your organisation and webhook, and the issuer and audience in the config";
  return reason === undefined ? undefined : { reason, remedy };
}

function wrongTime(
  { exp, iat, nbf }: Readonly<Record<string, unknown>>,
  { now, toleranceMs = 0 }: Expected,
): WrongClaim | undefined {
  if (typeof exp !== "number")
    return { reason: "the JWT has no expiry (exp)", remedy: "do not trust it: Desk's tokens expire" };
  const lateMs = now.getTime() - exp * 1000;
  const allowedMs = toleranceMs > MAX_LIFETIME_MS ? toleranceMs : CLOCK_SKEW_MS;
  if (lateMs >= allowedMs) {
    const remedy = "verify a recorded delivery with --tolerance 30d, or as a line of listen --json";
    return { reason: `the JWT expired ${formatAge(lateMs)} ago`, remedy };
  }
  for (const from of [iat, nbf]) {
    const earlyMs = typeof from === "number" ? from * 1000 - now.getTime() : 0;
    if (earlyMs > CLOCK_SKEW_MS) {
      const reason = `the JWT is dated ${formatAge(earlyMs)} ahead of this machine's clock`;
      return { reason, remedy: "set this machine's clock" };
    }
  }
  return undefined;
}

function wrongIssuer(iss: unknown, { issuer, orgIds }: Expected): string | undefined {
  if (typeof iss !== "string") return "the JWT has no issuer (iss)";
  if (issuer !== undefined)
    return sameSubject(iss, issuer)
      ? undefined
      : `the JWT was issued by ${shown(iss)}, not by ${shown(issuer)} as configured`;
  const other = orgIds.find((orgId) => !sameSubject(iss, `orgId:${orgId}`));
  return other === undefined
    ? undefined
    : `the JWT was issued by ${shown(iss)}, but the body is from orgId:${shown(other)}`;
}

function wrongAudience(aud: unknown, { audience }: Expected): string | undefined {
  const named = (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === "string");
  if (named.length === 0) return "the JWT has no audience (aud)";
  if (audience === undefined || named.some((each) => sameSubject(each, audience))) return undefined;
  return `the JWT is for ${named.map(shown).join(", ")}, not for ${shown(audience)} as configured`;
}

/** `webhookId:189200000000321001`; the id alone means the same. */
function sameSubject(claimed: string, wanted: string): boolean {
  return claimed === wanted || (!wanted.includes(":") && claimed.replace(/^\w+:/, "") === wanted);
}

function shown(text: string): string {
  return text.slice(0, 60);
}

/** Why a token fails: its content, and the known mistakes that match. */
function explainToken(text: string, secrets: readonly Secret[], wrong: WrongClaim | undefined): Explanation {
  const keys = secrets.flatMap((secret) => readKeySet(secret.reveal()) ?? []);
  const token = parseToken(text);
  const bare = unwrapped(text);
  const named = token === undefined ? undefined : keys.filter(({ id }) => id === token.header.kid || id === "");
  const isSigned = token !== undefined && signedByAny(token, keys);
  const [unfit] = secrets.flatMap((secret) => unfitKey(secret.reveal(), token?.header.kid) ?? []);
  const findings: readonly ExplainFinding[] = [
    {
      id: "wrapped",
      matches: bare !== text.trim() && parseToken(bare) !== undefined,
      meaning: 'the JWT has "Bearer " before it, or quotes around it: the header holds it bare',
      remedy: "pass the value of X-ZDesk-JWT unchanged",
    },
    {
      id: "cut-off",
      matches: token === undefined ? /^[\w-]+(\.[\w-]+)?\.?$/.test(bare) : isCutOff(token, keys),
      meaning: "the JWT was cut off: its end is missing",
      remedy: "copy the whole value, three parts with dots between them",
    },
    {
      id: "algorithm",
      matches: token !== undefined && token.header.alg !== ALGORITHM,
      meaning: `its algorithm is ${claimText(token?.header.alg)}, and Desk signs with ${ALGORITHM}: it is not from Desk`,
      remedy: "do not trust it: its sender does not have Desk's key",
    },
    {
      id: "other-key",
      matches: isSigned && named?.length === 0,
      meaning: "it is signed with one of the keys, under another name (kid) than that key has in the set",
      remedy: "serve or save the key set again: its names do not belong to its keys",
    },
    {
      id: "unknown-key",
      matches: token?.header.alg === ALGORITHM && !isSigned && named?.length === 0,
      meaning:
        token?.header.kid === undefined
          ? "it names no key, and was not signed with any key of the set"
          : unfit === undefined
            ? "the key that it names is not in the set"
            : `the key that it names is in the set, but cannot verify signatures: ${unfit}`,
      remedy: "use the current key set of the organisation's data centre: ZOHO_WEBHOOK_JWKS=us, eu, in …",
    },
    {
      id: "claims",
      matches: isSigned && named?.length !== 0 && wrong !== undefined,
      meaning: `its signature is right, but a claim is not: ${wrong?.reason}`,
      ...(wrong === undefined ? {} : { remedy: wrong.remedy }),
    },
  ];
  return { canonical: tokenContent(text, token), findings, expected: undefined, received: undefined };
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
  if (header.alg !== ALGORITHM) return false;
  const lengths = keys.map(({ key }) => (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  return lengths.length > 0 && lengths.every((length) => signature.length < length);
}

function tokenContent(text: string, token: JsonWebToken | undefined): string {
  if (token === undefined)
    return `a JWT, three parts of base64url with dots between them; this has ${text.length} characters`;
  const { header, claims } = token;
  const parts = [
    `algorithm ${claimText(header.alg)}`,
    `key ${claimText(header.kid)}`,
    `issuer ${claimText(claims.iss)}`,
    `audience ${claimText(claims.aud)}`,
    `issued ${timeText(claims.iat)}`,
    `expires ${timeText(claims.exp)}`,
  ];
  return `the JWT's header and claims, not the body: ${parts.join(", ")}`;
}

function claimText(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 80);
}

/** JWTs count seconds since 1970. */
function timeText(seconds: unknown): string {
  if (typeof seconds !== "number") return claimText(seconds);
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? claimText(seconds) : at.toISOString();
}
