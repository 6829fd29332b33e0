import { type Delivery, headerValue, withHeader } from "../../core/delivery.ts";
import { textAt } from "../../core/field.ts";
import type { FormatSettings } from "../../core/format-settings.ts";
import { parseJson } from "../../core/json-text.ts";
import { isSignedBy, type JsonWebToken, parseToken, signToken } from "../../core/json-web-token.ts";
import { keyId, readKeySet, UNKNOWN_KEY, unfitKey } from "../../core/key-set.ts";
import type { Payload } from "../../core/payload.ts";
import type { Limits, Proof, Verdict } from "../../core/product.ts";
import { headerMissing } from "../../core/proofs/header-missing.ts";
import { readPrivateKey } from "../../core/proofs/public-key.ts";
import type { Secret } from "../../core/secret.ts";
import { judgeClaims } from "./claims.ts";
import { explainToken } from "./explain-token.ts";

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
    verify(delivery, payload, secrets, now, limits) {
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
    explain(delivery, payload, secrets, product, now, limits) {
      const text = headerValue(delivery, HEADER);
      if (text === undefined) {
        const canonical = "a JWT, three parts of base64url with dots between them";
        return { canonical, findings: [headerMissing(HEADER)], expected: undefined, received: undefined };
      }
      const claims = parseToken(text)?.claims ?? {};
      const toleranceMs = limits?.toleranceMs;
      const wrong = judgeClaims(claims, { ...expected, orgIds: orgIdsIn(payload.data), now, toleranceMs });
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
  const wrong = judgeClaims(token.claims, {
    issuer: expected.issuer,
    audience: expected.audience,
    orgIds: orgIdsIn(payload.data),
    now,
    toleranceMs: limits?.toleranceMs,
  });
  if (wrong !== undefined) return { verdict: "failed", reason: wrong.reason };
  const compared = expected.audience === undefined ? "; which webhook it is for was not asked" : "";
  return {
    verdict: "passed",
    reason: `the sender holds a key of ${origins}; says nothing of the body${compared}`,
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
