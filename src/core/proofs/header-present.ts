import type { Proves, Verdict } from "../product.ts";
import type { Secret } from "../secret.ts";
import { says } from "./says.ts";

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
  of: SignatureHeader,
  value: string | undefined,
  secrets: readonly Secret[],
  check: (value: string) => Judged,
): Verdict {
  const { id, proves, header, key, exception } = of;
  if (value !== undefined && secrets.length > 0) {
    const { verdict, reason, match } = check(value);
    return match === undefined ? says(of, verdict, reason) : { id, proves, verdict, reason, match };
  }
  if (value !== undefined) return says(of, "unconfigured", `signed, but no ${key} is configured to check it with`);
  if (secrets.length === 0) return says(of, "absent", `no ${header} header`);
  const reason = `a ${key} is configured, but there is no ${header} header`;
  return says(of, "failed", exception === undefined ? reason : `${reason} (${exception})`);
}
