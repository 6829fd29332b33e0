import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import type { Payload } from "../../core/payload.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { dateTime, recordId } from "../shared/schema-parts.ts";

export const guide = guideFormat({
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
