import { type Delivery, headerValue, withHeader } from "../../body/delivery.ts";
import { type Payload, textAt } from "../../body/payload.ts";
import type { Secret } from "../../body/secret.ts";
import type { FormatSettings } from "../../core/format-settings.ts";
import type { Explanation, Finding, Limits, Proof, Verdict } from "../../core/product.ts";
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
} from "../../core/proofs/keys.ts";
import { readPrivateKey } from "../../core/proofs/rsa-signature.ts";
import { headerMissing } from "../../core/proofs/verdict.ts";
import { parseJson } from "../../util/json.ts";
import { formatDuration } from "../../util/units.ts";

const HEADER = "X-ZDesk-JWT";
/** Receivers in use give a token this long. */
const LIFETIME_SECONDS = 600;
/** For a sample, where no webhook is named. */
const SAMPLE_AUDIENCE = "webhookId:189200000000321001";

type Judged = Pick<Verdict, "verdict" | "reason" | "match">;

/**
 * An RS256 JWT that Desk makes for a webhook, checked with the data centre's public keys. It names the organisation
 * and the webhook, not the body: one that was caught goes with any body until it expires.
 */
export function deskToken({ issuer, audience }: FormatSettings): Proof {
  const expected = { issuer, audience };
  return {
    id: "desk-token",
    proves: "sender",
    credential: "jwks",
    signingCredential: "privateKey",
    header: HEADER,
    // Desk signs for everyone with the same keys, and names its organisation in a body that is not signed.
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
      const [header, claims] = [
        { alg: "RS256", typ: "JWT" },
        { iss: "orgId:0", exp: Math.floor(now.getTime() / 1000) + 60 },
      ];
      const parts = [JSON.stringify(header), JSON.stringify(claims), "not a signature"];
      return withHeader(delivery, HEADER, parts.map((part) => Buffer.from(part).toString("base64url")).join("."));
    },
    verify({ delivery, payload, secrets, now, limits }) {
      const at = { id: this.id, proves: this.proves };
      const text = headerValue(delivery, HEADER);
      if (text === undefined) {
        return secrets.length === 0
          ? { ...at, verdict: "absent", reason: `no ${HEADER} header` }
          : { ...at, verdict: "failed", reason: `keys are configured, but there is no ${HEADER} header` };
      }
      const token = parseToken(text);
      if (token === undefined) return { ...at, verdict: "failed", reason: `${HEADER} is not a JWT` };
      const wrong = wrongAlgorithm(token);
      if (wrong !== undefined) return { ...at, verdict: "failed", reason: wrong };
      if (secrets.length === 0) {
        return {
          ...at,
          verdict: "unconfigured",
          reason: "carries a JWT, but no key set is configured to check it with",
        };
      }
      return { ...at, ...judge(token, secrets, payload, now, limits, expected) };
    },
    explain({ delivery, payload, secrets, product, now, limits }) {
      const text = headerValue(delivery, HEADER);
      if (text === undefined) {
        const canonical = "a JWT, three parts of base64url with dots between them";
        return { canonical, findings: [headerMissing(HEADER)], expected: undefined, received: undefined };
      }
      const claims = parseToken(text)?.claims ?? {};
      const toleranceMs = limits?.toleranceMs;
      const wrong = verifyClaims(claims, { ...expected, orgIds: orgIdsIn(payload.data), now, toleranceMs });
      return explainToken(text, secrets.for(this.credential, product), wrong);
    },
  };
}

/** Only RS256 is ever tried: with a public key taken for an HMAC secret anyone could sign. */
function wrongAlgorithm({ header }: JsonWebToken): string | undefined {
  const algorithm = typeof header.alg === "string" ? header.alg : "";
  if (/^none$/i.test(algorithm)) return "the JWT is not signed: its algorithm is none";
  if (algorithm !== "RS256") return `the JWT's algorithm is ${JSON.stringify(algorithm.slice(0, 20))}, not RS256`;
  return header.crit === undefined ? undefined : "the JWT asks for an extension (crit) that nobody here knows";
}

function judge(
  token: JsonWebToken,
  secrets: readonly Secret[],
  payload: Payload,
  now: Date,
  limits: Limits | undefined,
  expected: Pick<FormatSettings, "issuer" | "audience">,
): Judged {
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
        ? `which is not in ${origins}: another data centre's, or the keys have changed`
        : `which is in ${origins}, but not to check signatures with: ${unfit}`;
    return { verdict: "failed", match: UNKNOWN_KEY, reason: `signed with ${name}, ${why}` };
  }
  if (!keys.some(({ key }) => isSignedBy(token, key)))
    return { verdict: "failed", reason: `the JWT's signature does not match the keys of ${origins}` };
  const wrong = verifyClaims(token.claims, {
    issuer: expected.issuer,
    audience: expected.audience,
    orgIds: orgIdsIn(payload.data),
    now,
    toleranceMs: limits?.toleranceMs,
  });
  if (wrong !== undefined) return { verdict: "failed", reason: wrong.reason };
  const unbound = expected.audience === undefined ? '; set "audience" to check that it is for your webhook' : "";
  return {
    verdict: "passed",
    reason: `a valid Desk token, signed with a key of ${origins}; it does not cover the body${unbound}`,
  };
}

/** Of each of its events, since a delivery may hold several. */
function orgIdsIn(data: unknown): readonly string[] {
  const events: readonly unknown[] = Array.isArray(data) ? data : [];
  return events.flatMap((each) => textAt(each, ["orgId"]) ?? []);
}

function orgOf(delivery: Delivery): string | undefined {
  const parsed = parseJson(delivery.body.toString("utf8"));
  return parsed.ok ? orgIdsIn(parsed.value)[0] : undefined;
}

interface Expected {
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  /** Of the body's events, that the issuer must agree with. */
  readonly orgIds: readonly string[];
  readonly now: Date;
  readonly toleranceMs: number | undefined;
}

/** Two clocks are never quite the same. */
const CLOCKS_MS = 5_000;
/** No token is known to live longer: who allows for a greater age than this means one that was kept. */
const LONGEST_LIFE_MS = 600_000;

/** What is wrong with a token's claims, as a clause for a person, and what to do about it. */
interface WrongClaim {
  readonly reason: string;
  readonly remedy: string;
}

/** Undefined when nothing is wrong with them. */
function verifyClaims(claims: Readonly<Record<string, unknown>>, expected: Expected): WrongClaim | undefined {
  const time = wrongTime(claims, expected);
  if (time !== undefined) return time;
  const reason = wrongIssuer(claims.iss, expected) ?? wrongAudience(claims.aud, expected);
  return reason === undefined ? undefined : { reason, remedy: IS_MEANT };
}

const IS_MEANT =
  "see that the delivery is of your organisation and webhook, and what issuer and audience the config names";
const WAS_KEPT =
  "a delivery that was kept is checked with --tolerance 30d, or as the line of listen --json that it was";
const CLOCK = "set this machine's clock";

function wrongTime(
  { exp, iat, nbf }: Readonly<Record<string, unknown>>,
  { now, toleranceMs = 0 }: Expected,
): WrongClaim | undefined {
  if (typeof exp !== "number")
    return { reason: "the JWT does not say when it expires", remedy: "do not trust it: Desk's tokens say so" };
  const lateMs = now.getTime() - exp * 1000;
  const allowedMs = toleranceMs > LONGEST_LIFE_MS ? toleranceMs : CLOCKS_MS;
  if (lateMs >= allowedMs) return { reason: `the JWT expired ${formatDuration(lateMs)} ago`, remedy: WAS_KEPT };
  for (const from of [iat, nbf]) {
    if (typeof from !== "number") continue;
    const earlyMs = from * 1000 - now.getTime();
    if (earlyMs > CLOCKS_MS)
      return { reason: `the JWT is from ${formatDuration(earlyMs)} ahead of this machine's clock`, remedy: CLOCK };
  }
  return undefined;
}

function wrongIssuer(iss: unknown, { issuer, orgIds }: Expected): string | undefined {
  if (typeof iss !== "string") return "the JWT does not say who made it (iss)";
  if (issuer !== undefined)
    return sameSubject(iss, issuer) ? undefined : `the JWT is of ${shown(iss)}, not of ${shown(issuer)} as configured`;
  const other = orgIds.find((orgId) => !sameSubject(iss, `orgId:${orgId}`));
  return other === undefined ? undefined : `the JWT is of ${shown(iss)}, but the body of orgId:${shown(other)}`;
}

function wrongAudience(aud: unknown, { audience }: Expected): string | undefined {
  const named = (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === "string");
  if (named.length === 0) return "the JWT does not say whom it is for (aud)";
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
