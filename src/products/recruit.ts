import { z } from "zod";
import { event, type Product } from "../core/product.ts";
import { guideSignature } from "../core/proofs/body-signature.ts";
import { bodyToken } from "../core/proofs/token.ts";
import { userFormed } from "../core/user-formed.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import {
  deletedData,
  moduleEnvelope,
  moduleRecords,
  recogniseModuleEvent,
  recordData,
  watchFormat,
} from "./shared/modules.ts";
import { dateTime, lookup, optionalText } from "./shared/schema-parts.ts";

const guide = guideFormat({
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

const wire = watchFormat({
  source: "modelled on CRM's notifications, as receivers of /recruit/v2/actions/watch read them",
  api: "recruit",
  modules: ["Candidates", "Job_Openings", "Applications", "Interviews"],
  documented: false,
});

const workflow = userFormed({
  id: "workflow",
  source: "https://www.zoho.com/recruit/help/error-codes.html",
  encoding: "form",
  methods: ["GET"],
  event: { name: "webhook", summary: "A workflow rule called a webhook that its user designed" },
});

export const recruit = {
  id: "recruit",
  title: "Zoho Recruit",
  formats: [guide, wire, workflow],
} as const satisfies Product;
