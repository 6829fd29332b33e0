import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { bodyToken } from "../../core/proofs/body-token.ts";
import { guideSignature } from "../../core/proofs/guide-signature.ts";
import { guideFormat, modelledOnGuide } from "../shared/guide-format.ts";
import {
  deletedData,
  moduleEnvelope,
  moduleRecords,
  recogniseModuleEvent,
  recordData,
} from "../shared/module-envelope.ts";
import { dateTime, lookup, optionalText } from "../shared/schema-parts.ts";

export const guide = guideFormat({
  source: modelledOnGuide("Zoho CRM Webhook Payload"),
  // The token stands in the body that the signature covers.
  proofs: [bodyToken, guideSignature],
  events: [
    event(
      "Candidates.create",
      "A candidate was created",
      () => moduleEnvelope("recruit", z.literal("Candidates"), "create", candidateData()),
      { once: true },
    ),
    event("Candidates.update", "A candidate was updated", () =>
      moduleEnvelope("recruit", z.literal("Candidates"), "update", changedCandidateData()),
    ),
    event(
      "Candidates.delete",
      "A candidate was deleted",
      () => moduleEnvelope("recruit", z.literal("Candidates"), "delete", deletedData()),
      { once: true },
    ),
    event("Candidates.status.change", "A candidate's status changed", () =>
      moduleEnvelope("recruit", z.literal("Candidates"), "status.change", movedCandidateData()),
    ),
    event("Applications.status.change", "The status of a candidate's application changed", () =>
      moduleEnvelope("recruit", z.literal("Applications"), "status.change", applicationData()),
    ),
    // An interview can be set to another time, and is then scheduled once more.
    event("Interviews.scheduled", "An interview was scheduled", () =>
      moduleEnvelope("recruit", z.literal("Interviews"), "scheduled", interviewData()),
    ),
  ],
  recognise: recogniseModuleEvent,
  records: moduleRecords,
});

function candidateData() {
  return recordData().extend({
    Last_Name: z.string(),
    First_Name: optionalText(),
    Email: optionalText(),
    Phone: optionalText(),
    Current_Employer: optionalText(),
    Candidate_Status: optionalText(),
    Source: optionalText(),
  });
}

function changedCandidateData() {
  return candidateData().extend({ Last_Name: optionalText() });
}

function movedCandidateData() {
  return changedCandidateData().extend({ Candidate_Status: z.string(), Previous_Status: optionalText() });
}

function applicationData() {
  return recordData().extend({
    Application_Status: z.string(),
    Previous_Status: optionalText(),
    Candidate: lookup().nullish(),
    Job_Opening: lookup().nullish(),
  });
}

function interviewData() {
  return recordData().extend({
    Interview_Name: z.string(),
    Start_DateTime: dateTime(),
    End_DateTime: dateTime().nullish(),
    Interview_Type: optionalText(),
    Candidate: lookup().nullish(),
    Job_Opening: lookup().nullish(),
    Interviewers: z.array(lookup()).nullish(),
  });
}
