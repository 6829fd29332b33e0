import type { Proves, Verdict } from "../product.ts";
import type { Secret } from "../secret.ts";

interface SignatureHeader {
  readonly id: string;
  readonly proves: Proves;
  readonly header: string;
  /** What the signature is checked with: `secret`, `public key`. */
  readonly key: string;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string | undefined;
}

export type Judged = Pick<Verdict, "verdict" | "reason" | "match">;

/** Asks `check` about a signature that can be checked, and says why where one cannot. */
export function judgeHeader(
  { id, proves, header, key, exception }: SignatureHeader,
  value: string | undefined,
  secrets: readonly Secret[],
  check: (value: string) => Judged,
): Verdict {
  const at = { id, proves };
  if (value !== undefined && secrets.length > 0) return { ...at, ...check(value) };
  if (value !== undefined)
    return { ...at, verdict: "unconfigured", reason: `signed, but no ${key} is configured to check it` };
  if (secrets.length === 0) return { ...at, verdict: "absent", reason: `no ${header} header` };
  const reason = `a ${key} is configured, but there is no ${header} header`;
  return { ...at, verdict: "failed", reason: exception === undefined ? reason : `${reason} (${exception})` };
}
