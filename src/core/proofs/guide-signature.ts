import type { Payload } from "../payload.ts";
import { bodySignature } from "./body-signature.ts";
import type { BodyVariant } from "./body-variants.ts";

/**
 * The guide's "Method 3": lower-case hex HMAC-SHA256 of the body. The guide's own handler hashes
 * `JSON.stringify(req.body)`, so it equals ours for every body that is already in that form, as those of `send` are.
 */
export const guideSignature = bodySignature({
  id: "guide-signature",
  header: "x-zoho-signature",
  credential: "secret",
  key: "secret",
  encoding: "hex",
  mistakes: unwrapped,
});

/** A form that holds a JSON body in one of its fields: the signer may know nothing of the form. */
function unwrapped({ wrappedIn, text }: Payload): readonly BodyVariant[] {
  if (wrappedIn === undefined || text === undefined) return [];
  const meaning = `the signature is over the JSON within the field ${wrappedIn}, not over the form`;
  return [
    { id: "unwrapped", body: Buffer.from(text), meaning, remedy: "sign and check the same bytes: the whole body" },
  ];
}
