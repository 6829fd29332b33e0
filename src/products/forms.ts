import { z } from "zod";
import { idsAt, type Payload } from "../body/payload.ts";
import { event, type Product } from "../core/product.ts";
import { userFormed } from "../core/user-formed.ts";
import { guideFormat, printedInGuide } from "./shared/guide-format.ts";
import { dateTime, recordId } from "./shared/schema-parts.ts";

const guide = guideFormat({
  source: printedInGuide("Zoho Forms Webhook Payload"),
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
  records: (data) => idsAt(data, ["submission_id"]),
});

/** These bodies name no event: the newest of their times tells what happened. Two of the three marks will do. */
function recognise(payload: Payload): string | undefined {
  const data = payload.data;
  if (typeof data !== "object" || data === null) return undefined;
  const marks = ["form_link_name", "submission_id", "fields"].filter((key) => Object.hasOwn(data, key));
  if (marks.length < 2) return undefined;
  if (Object.hasOwn(data, "deleted_time")) return "entry_deleted";
  return Object.hasOwn(data, "updated_time") ? "entry_updated" : "form_submitted";
}

function submission() {
  return z.looseObject({
    form_link_name: z.string(),
    submission_id: recordId(),
    submitted_time: dateTime(),
    fields: z.array(answer()),
  });
}

function answer() {
  return z.looseObject({
    field_name: z.string(),
    field_value: z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())], {
      error: "text, a number, true, false, null or a list of texts",
    }),
  });
}

// The user picks the fields, their names and the content type; files come with multipart only, subforms with JSON only.
const wire = userFormed({
  id: "wire",
  source: "https://www.zoho.com/forms/help/integrations/webhooks.html",
  encoding: "json",
  event: { name: "form_submitted", summary: "A form was submitted, told in the fields that its user chose" },
});

export const forms = { id: "forms", title: "Zoho Forms", formats: [guide, wire] } as const satisfies Product;
