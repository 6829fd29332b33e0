import type { Verdict } from "../product.ts";
import { bodyEdits, reserialised } from "./body-variants.ts";

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
