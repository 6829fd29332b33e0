import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import { guideFormat, modelledOnGuide } from "../shared/guide-format.ts";
import { dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

export const guide = guideFormat({
  source: modelledOnGuide("Zoho Forms Webhook Payload"),
  events: [
    event(
      "response_submitted",
      "A respondent submitted a response, whole or in part",
      () => envelope("response_submitted").extend({ submitted_time: dateTime() }),
      { once: true },
    ),
    event(
      "survey_completed",
      "A respondent completed a survey to its last page",
      () => envelope("survey_completed").extend({ completed_time: dateTime() }),
      { once: true },
    ),
  ],
  records: (data) => idsAt(data, ["response_id"]),
});

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    event: z.literal(name),
    survey_id: recordId(),
    survey_name: optionalText(),
    response_id: recordId(),
    collector_name: optionalText(),
    answers: z.array(answer()),
  });
}

function answer() {
  return z.looseObject({
    question: z.string(),
    answer: z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())], {
      error: "text, a number, true, false, null or a list of texts",
    }),
  });
}
