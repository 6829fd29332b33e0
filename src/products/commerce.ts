import { z } from "zod";
import { headerValue } from "../delivery/delivery.ts";
import { idsAt } from "../delivery/payload.ts";
import { event, type Format, type Product } from "../model/product.ts";
import { writeJson } from "../util/json.ts";
import { idFields, markOf } from "./shared/custom-format.ts";

const HEADER = "X-ZOHO-Event";
/** From Zoho's documentation, without `Connection: close`. */
const HEADERS = [
  ["Accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"],
  ["X-Zoho-Skip-Webhook-Trigger", "true"],
  ["Pragma", "no-cache"],
  ["Cache-Control", "no-cache"],
] as const;

/** The event is in a header, the body is the whole record: JSON with the content type of a form. */
const wire = {
  id: "wire",
  source: "https://www.zoho.com/commerce/api/webhooks.html",
  evidence: "doc",
  proofs: [],
  events: [
    event("salesorder.<operation>", "The status of a sales order changed", () => z.looseObject({}), {
      open: true,
      members: ["delivered"],
    }),
  ],
  body: {
    // Records are the same as in Books, which reads the header, too.
    twins: ["books", "inventory", "invoice", "expense", "procurement", "spend"],
    recognise: (_payload, delivery) => headerValue(delivery, HEADER)?.trim() || undefined,
    // Whether the record is wrapped under its name is not documented.
    records(data, name) {
      const [entity = ""] = name.split(".", 1);
      const ids = [[entity, `${entity}_id`], [`${entity}_id`]].flatMap((path) => idsAt(data, path));
      return ids.length > 0 ? ids : idFields(data);
    },
  },
  sender: {
    mark: (name) => markOf({ header: HEADER }, name),
    encode: (data) => ({
      contentType: "application/x-www-form-urlencoded;charset=UTF-8",
      body: Buffer.from(writeJson(data)),
      headers: HEADERS,
    }),
  },
} as const satisfies Format;

export const commerce = { id: "commerce", title: "Zoho Commerce", formats: [wire] } as const satisfies Product;
