import { z } from "zod";
import { idsAt, type Payload } from "../delivery/payload.ts";
import { event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { guideFormat, printedInGuide } from "./shared/guide-format.ts";
import { dateTime, formValue, lazyObject, recordId, requiredText } from "./shared/schema-parts.ts";

const submission = lazyObject({
  form_link_name: requiredText,
  submission_id: recordId,
  submitted_time: dateTime,
  fields: () => z.array(answer()),
});

const guide = guideFormat({
  ...printedInGuide("Zoho Forms Webhook Payload"),
  events: [
    event("form_submitted", "A form was submitted", submission, { once: true }),
    event("entry_updated", "A submitted entry was updated", () => submission().extend({ updated_time: dateTime() })),
    event(
      "entry_deleted",
      "A submitted entry was deleted",
      () => submission().extend({ deleted_time: dateTime(), fields: z.array(answer()).optional() }),
      { once: true },
    ),
  ],
  recognise,
  envelope: () => submission,
  records: (data) => idsAt(data, ["submission_id"]),
});

/** These bodies name no event, which follows from their timestamps. Two of the three members are enough to recognise one. */
function recognise({ data }: Payload): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const members = ["form_link_name", "submission_id", "fields"].filter((key) => Object.hasOwn(data, key));
  if (members.length < 2) return undefined;
  if (Object.hasOwn(data, "deleted_time")) return "entry_deleted";
  return Object.hasOwn(data, "updated_time") ? "entry_updated" : "form_submitted";
}

function answer() {
  return z.looseObject({ field_name: z.string(), field_value: formValue() });
}

// The user chooses the fields, their names and the content type. Files need multipart, subforms JSON.
const wire = customFormat({
  id: "wire",
  source: "https://www.zoho.com/forms/help/integrations/webhooks.html",
  evidence: "doc",
  encoding: "json",
  event: { name: "form_submitted", summary: "A form was submitted, with the fields that the user chose" },
  recognise: ({ data }) => (ADDED.some((key) => Object.hasOwn(Object(data), key)) ? "form_submitted" : undefined),
});

/** Fields that Zoho adds to the user's, without `IP_ADDRESS`, which others may have. */
const ADDED = ["ADDED_TIME", "ADDED_TIME_ISO8601", "REFERRER_NAME"];

export const forms = { id: "forms", title: "Zoho Forms", formats: [guide, wire] } as const satisfies Product;
