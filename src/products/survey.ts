import { z } from "zod";
import { idsAt, type Payload, textAt } from "../delivery/payload.ts";
import { event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { dateTime, formValue, lazyObject, optionalText, recordId, requiredText } from "./shared/schema-parts.ts";

const base = lazyObject({
  event: requiredText,
  survey_id: recordId,
  survey_name: optionalText,
  response_id: recordId,
  collector_name: optionalText,
  answers: () => z.array(answer()),
});

const guide = guideFormat({
  ...modelledOnGuide("Zoho Forms Webhook Payload"),
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
  envelope: () => base,
  records: (data) => idsAt(data, ["response_id"]),
});

function envelope<const Name extends string>(name: Name) {
  return base().extend({ event: z.literal(name) });
}

function answer() {
  return z.looseObject({ question: z.string(), answer: formValue() });
}

const wire = customFormat({
  id: "wire",
  source: "modelled on bodies in use: user-defined keys, each with a variable or an answer of the survey",
  evidence: "seen",
  encoding: "json",
  event: { name: "response_submitted", summary: "A response was submitted, with keys that the user chose" },
  recognise,
  // Not digits: aB3dE5gH. Most users name the key after the variable.
  records: (data) => [...RESPONSE_IDS, "response_id"].flatMap((key) => textAt(data, [key]) ?? []).slice(0, 1),
});

/** The labels of variables, which webhooks made over the API have as keys, or the variables' own names. */
const RESPONSE_IDS = ["Response ID", "RESPONSE_ID"] as const;
const MARKS = [...RESPONSE_IDS, "Collector ID", "COLLECTOR_ID"];

function recognise({ data }: Payload): string | undefined {
  return MARKS.some((key) => Object.hasOwn(Object(data), key)) ? "response_submitted" : undefined;
}

export const survey = { id: "survey", title: "Zoho Survey", formats: [guide, wire] } as const satisfies Product;
