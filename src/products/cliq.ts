import { z } from "zod";
import { valueAt } from "../delivery/payload.ts";
import { event, type Format, type Product } from "../model/product.ts";
import { rsaSignature } from "../signatures/rsa-signature.ts";
import { lazyObject } from "./shared/schema-parts.ts";

const envelope = lazyObject({
  params: () => z.looseObject({}),
  type: () => z.unknown().optional(),
  name: () => z.unknown().optional(),
  handler: () => z.unknown().optional(),
  unique_name: () => z.unknown().optional(),
  app_info: () => z.unknown().optional(),
});

/** A command, bot, function or message action of an extension was invoked, and shows the response. */
const wire = {
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/cliq/help/platform/build-url-invoke-type-extensions.html",
  evidence: "seen",
  // The extension's public key is shown in Cliq, as bare base64.
  proofs: [rsaSignature({ id: "cliq-signature", header: "x-cliq-signature", ofCompact: true })],
  events: [event("invocation", "A component of an extension was invoked", envelope, { open: true })],
  body: {
    envelope: () => envelope,
    recognise({ data }) {
      const params = valueAt(data, ["params"]);
      const named = ["handler", "type", "name", "unique_name"].some((key) => valueAt(data, [key]) !== undefined);
      return typeof params === "object" && params !== null && !Array.isArray(params) && named
        ? "invocation"
        : undefined;
    },
    // Only `params` is certain, so at Cliq's own URL any body is an invocation.
    customEvent: "invocation",
    // Records depend on the component.
    records: () => [],
  },
  sender: {
    answer: { json: { key: "output", example: '{"output":{"text":"…"}}' } },
    hint: () =>
      "Cliq shows the response, and listen responds with a plain OK: use --respond mirror to return your app's response",
  },
} as const satisfies Format;

export const cliq = { id: "cliq", title: "Zoho Cliq", formats: [wire] } as const satisfies Product;
