import { rsaSignature } from "../../core/proofs/rsa-signature.ts";

/**
 * Zoho keeps the private key; the public one is made by its API, and two may be valid while keys are changed.
 * https://www.zoho.com/salesiq/help/developer-section/workflows-actions-webhooks.html
 */
export const salesiqSignature = rsaSignature({ id: "salesiq-signature", header: "x-siqsignature" });
