import type { Secret } from "../../body/secret.ts";
import type { Finding, Proves, Verdict, VerdictWord } from "../product.ts";
import { bodyEdits, reserialised } from "./body-variants.ts";

/**
 * A proof's verdict. Written out here and wherever every event passes: to copy an object with `...` and add to it takes
 * Node 20 twenty times as long.
 */
export function makeVerdict(
  { id, proves }: Pick<Verdict, "id" | "proves">,
  verdict: VerdictWord,
  reason: string,
): Verdict {
  return { id, proves, verdict, reason };
}

interface SignatureHeader {
  readonly id: string;
  readonly proves: Proves;
  readonly header: string;
  /** What the signature is checked with: `secret`, `public key`. */
  readonly key: string;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string | undefined;
}

export type HeaderCheck = Pick<Verdict, "verdict" | "reason" | "match">;

/** Asks `check` about a signature that can be checked, and says why where one cannot. */
export function checkHeader(
  of: SignatureHeader,
  value: string | undefined,
  secrets: readonly Secret[],
  check: (value: string) => HeaderCheck,
): Verdict {
  const { id, proves, header, key, exception } = of;
  if (value !== undefined && secrets.length > 0) {
    const { verdict, reason, match } = check(value);
    return match === undefined ? makeVerdict(of, verdict, reason) : { id, proves, verdict, reason, match };
  }
  if (value !== undefined)
    return makeVerdict(of, "unconfigured", `signed, but no ${key} is configured to check it with`);
  if (secrets.length === 0) return makeVerdict(of, "absent", `no ${header} header`);
  const reason = `a ${key} is configured, but there is no ${header} header`;
  return makeVerdict(of, "failed", exception === undefined ? reason : `${reason} (${exception})`);
}

/** What there is to say where the header is not there that carries the proof. */
export function headerMissing(header: string): Finding {
  return {
    id: "missing",
    matches: true,
    meaning: `there is no ${header} header`,
    remedy: "check that the sender signs, and that no proxy on the way drops the header",
  };
}

/** Bytes. Of what anybody can send not everything is tried; `verify --explain` does. */
const LARGEST = 65_536;

/** Why a proof fails that is over a known change of these bytes; undefined where none accounts for it. */
export function whyAltered(
  body: Buffer,
  text: string | undefined,
  matches: (body: Buffer) => boolean,
): Pick<Verdict, "verdict" | "reason" | "match"> | undefined {
  const edit = body.length > LARGEST ? undefined : bodyEdits(body).find((each) => matches(each.body));
  if (edit !== undefined) {
    return { verdict: "failed", match: "changed", reason: `does not match these bytes: ${edit.meaning}` };
  }
  const compact = reserialised(text);
  if (compact === undefined || !matches(compact)) return undefined;
  return {
    verdict: "failed",
    match: "reserialised",
    reason:
      "does not match these bytes, but would match the body parsed and serialised again: white space or numbers were changed on the way",
  };
}
