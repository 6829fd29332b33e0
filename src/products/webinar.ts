import type { Product } from "../model/product.ts";
import { bodySignature } from "../signatures/body-signature.ts";
import { customFormat } from "./shared/custom-format.ts";

/** For the authorization type "Signature": the key is the token that Webinar generates. */
const webinarSignature = bodySignature({
  id: "webinar-signature",
  header: "x-webinar-signature",
  credential: "secret",
  key: "secret",
  encoding: "hex",
  exception: "Zoho Webinar signs only with the authorization type Signature",
});

const wire = customFormat({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/zoho-webinar/user-guide/automation/webhooks/articles/webinar-webhooks",
  evidence: "doc",
  encoding: "json",
  methods: ["PUT"],
  signature: webinarSignature,
  event: { name: "webhook", summary: "A workflow called a user-defined webhook" },
  // The member of Zoho's sample that no other product has.
  recognise: ({ data }) => (Object.hasOwn(Object(data), "webinarId") ? "webhook" : undefined),
});

export const webinar = { id: "webinar", title: "Zoho Webinar", formats: [wire] } as const satisfies Product;
