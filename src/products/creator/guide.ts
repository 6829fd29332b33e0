import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import { guideFormat, modelledOnGuide } from "../shared/guide-format.ts";
import { dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

const once = { once: true };

export const guide = guideFormat({
  source: modelledOnGuide("Zoho Books Webhook Payload"),
  events: [
    event("record_added", "A record was added to an application", () => envelope("record_added"), once),
    event("record_edited", "A record of an application was edited", () => envelope("record_edited")),
    event(
      "record_deleted",
      "A record of an application was deleted",
      () => envelope("record_deleted").partial({ data: true }),
      once,
    ),
    event("form_submitted", "A form of an application was submitted", () => envelope("form_submitted"), once),
    event("workflow_triggered", "A workflow of an application called the webhook", () =>
      envelope("workflow_triggered").extend({ workflow: z.looseObject({ name: z.string(), trigger: optionalText() }) }),
    ),
  ],
  records: (data) => idsAt(data, ["record_id"]),
});

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    event: z.literal(name),
    owner_name: optionalText(),
    application_link_name: z.string(),
    form_link_name: z.string(),
    record_id: recordId(),
    // The form's own fields, under the names that its maker gave them.
    data: z.looseObject({ Added_Time: dateTime().nullish(), Modified_Time: dateTime().nullish() }),
  });
}
