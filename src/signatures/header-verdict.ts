import type { Payload } from "../delivery/payload.ts";
import type { Credential, Secret } from "../delivery/secrets.ts";
import type { ExplainFinding, Proves, Verdict } from "../model/product.ts";
import { makeVerdict, missingVerdict, noKeyReason } from "../model/verdict.ts";
import { hasLongNumber } from "../util/json.ts";
import { bodyEdits, type Change, reserialised } from "./body-variants.ts";

interface SignatureHeader {
  readonly id: string;
  readonly proves: Proves;
  readonly header: string;
  readonly credential: Credential;
  /** The credential's name in messages: `secret`, `public key`. */
  readonly key: string;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string | undefined;
}

export type HeaderVerdict = Pick<Verdict, "verdict" | "reason" | "match">;

/** Calls `verify` with the header's value where there is a value and a secret; else says which is missing. */
export function verifyHeader(
  { id, proves, header, credential, key, exception }: SignatureHeader,
  { value, secrets }: { readonly value: string | undefined; readonly secrets: readonly Secret[] },
  verify: (value: string) => HeaderVerdict,
): Verdict {
  const proof = { id, proves };
  if (value !== undefined && secrets.length > 0) {
    const { verdict, reason, match } = verify(value);
    return match === undefined ? makeVerdict(proof, verdict, reason) : { id, proves, verdict, reason, match };
  }
  if (value !== undefined) return makeVerdict(proof, "unconfigured", noKeyReason(credential));
  if (secrets.every(({ optional }) => optional === true)) return makeVerdict(proof, "absent", `no ${header} header`);
  const reason = `a ${key} is configured, but there is no ${header} header`;
  return missingVerdict(proof, exception === undefined ? reason : `${reason} (${exception})`);
}

export function headerMissing(header: string): ExplainFinding {
  return {
    id: "missing",
    matches: true,
    meaning: `there is no ${header} header`,
    remedy: "check that the sender signs, and that no proxy on the way drops the header",
  };
}

/** The finding for a signature that would match after all of these changes. */
export function combinedFinding(changes: readonly Change[], matches: boolean): ExplainFinding {
  if (changes.length === 0) return { id: "exact", matches, meaning: "the signature is over exactly this body" };
  return {
    id: changes.map(({ id }) => id).join("+"),
    matches,
    meaning: changes.map(({ meaning }) => meaning).join("; and "),
    remedy: [...new Set(changes.map(({ remedy }) => remedy))].join("; "),
  };
}

/** Edits of larger bodies are tried by `verify --explain` only: anybody can send one. */
const MAX_EDITED_BYTES = 65_536;

/** The failure of a signature over these bytes before a known change; undefined where no known change explains it. */
export function alteredBodyVerdict(
  body: Buffer,
  payload: Payload,
  matches: (body: Buffer) => boolean,
): HeaderVerdict | undefined {
  const edit = body.length > MAX_EDITED_BYTES ? undefined : bodyEdits(body).find((each) => matches(each.body));
  if (edit !== undefined) {
    return { verdict: "failed", match: "changed", reason: `does not match these bytes: ${edit.meaning}` };
  }
  const compact = reserialisedOnce(payload);
  if (compact === undefined || !matches(compact)) return undefined;
  return {
    verdict: "failed",
    match: "reserialised",
    reason:
      "does not match these bytes, but would match the body parsed and serialised again: white space, escapes or numbers were changed on the way",
  };
}

const reserialisedBodies = new WeakMap<Payload, Buffer | undefined>();

/** Without a product named, the proofs of ten products try it, and a megabyte takes 60 ms. */
function reserialisedOnce(payload: Payload): Buffer | undefined {
  if (!reserialisedBodies.has(payload)) {
    const { text, data } = payload;
    reserialisedBodies.set(payload, reserialised(text, text !== undefined && hasLongNumber(text) ? undefined : data));
  }
  return reserialisedBodies.get(payload);
}
