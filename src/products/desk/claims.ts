import { formatDuration } from "../../core/units.ts";

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
export interface WrongClaim {
  readonly reason: string;
  readonly remedy: string;
}

/** Undefined when nothing is wrong with them. */
export function judgeClaims(claims: Readonly<Record<string, unknown>>, expected: Expected): WrongClaim | undefined {
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
