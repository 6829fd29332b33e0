import { z } from "zod";
import { idsAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { dateTime, lazyObject, optionalText, recordId, requiredText } from "./shared/schema-parts.ts";

const once = { once: true };

const base = lazyObject({
  event: requiredText,
  owner_name: optionalText,
  application_link_name: requiredText,
  form_link_name: requiredText,
  record_id: recordId,
  // The form's fields, under the names that its author chose.
  data: () => z.looseObject({ Added_Time: dateTime().nullish(), Modified_Time: dateTime().nullish() }),
});

const guide = guideFormat({
  ...modelledOnGuide("Zoho Books Webhook Payload"),
  events: [
    creatorEvent("record_added", "A record was added to an application", once),
    creatorEvent("record_edited", "A record of an application was edited"),
    event(
      "record_deleted",
      "A record of an application was deleted",
      () => envelope("record_deleted").partial({ data: true }),
      once,
    ),
    creatorEvent("form_submitted", "A form of an application was submitted", once),
    event("workflow_triggered", "A workflow of an application called the webhook", () =>
      envelope("workflow_triggered").extend({ workflow: z.looseObject({ name: z.string(), trigger: optionalText() }) }),
    ),
  ],
  envelope: () => base,
  records: (data) => idsAt(data, ["record_id"]),
});

function creatorEvent<const Name extends string>(name: Name, summary: string, options?: EventOptions) {
  return event(name, summary, () => envelope(name), options);
}

function envelope<const Name extends string>(name: Name) {
  return base().extend({ event: z.literal(name) });
}

const wire = customFormat({
  id: "wire",
  source: "https://www.zoho.com/deluge/help/deluge-invoke-url.html",
  evidence: "doc",
  encoding: "form",
  // The timeout of a script's socket.
  answer: { withinMs: 40_000 },
  methods: ["GET", "PUT", "PATCH", "DELETE"],
  event: { name: "webhook", summary: "A Deluge script called a user-defined webhook" },
});

export const creator = { id: "creator", title: "Zoho Creator", formats: [guide, wire] } as const satisfies Product;
