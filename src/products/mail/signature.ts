import { bodySignature } from "../../core/proofs/body-signature.ts";

/** Keyed with the secret that Zoho Mail hands over in `x-hook-secret`, once, when the webhook is set up. */
export const mailSignature = bodySignature({
  id: "mail-signature",
  header: "x-hook-signature",
  credential: "hookSecret",
  key: "hook secret",
});
