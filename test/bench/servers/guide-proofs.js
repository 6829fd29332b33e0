import { createHmac, timingSafeEqual } from "node:crypto";

const { ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;

/** The signature and the token of the Webhooks Guide, of the body that Express has parsed. */
export function isGenuine(request) {
  const expected = createHmac("sha256", ZOHO_WEBHOOK_SECRET).update(JSON.stringify(request.body)).digest("hex");
  const signature = request.get("x-zoho-signature") ?? "";
  const isSigned =
    signature.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  return isSigned && request.body.token === ZOHO_WEBHOOK_TOKEN;
}
