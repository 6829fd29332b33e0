import { z } from "zod";
import type { Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { modelledOnGuide } from "./shared/guide-format.ts";
import { deletedData, moduleEventOf, moduleGuide, recordData, watchFormat } from "./shared/modules.ts";
import { dateTime, lookup, optionalText } from "./shared/schema-parts.ts";

const recruitEvent = moduleEventOf("recruit");
const once = { once: true };
const MODULES = ["Candidates", "Job_Openings", "Applications", "Interviews"] as const;

const guide = moduleGuide({
  api: "recruit",
  ...modelledOnGuide("Zoho CRM Webhook Payload"),
  events: [
    recruitEvent("Candidates.create", "A candidate was created", candidateData, once),
    recruitEvent("Candidates.update", "A candidate was updated", changedCandidateData),
    recruitEvent("Candidates.delete", "A candidate was deleted", deletedData, once),
    recruitEvent("Candidates.status.change", "A candidate's status changed", movedCandidateData),
    recruitEvent("Applications.status.change", "The status of a candidate's application changed", applicationData),
    // An interview that is moved to another time is scheduled once more.
    recruitEvent("Interviews.scheduled", "An interview was scheduled", interviewData),
  ],
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
  evidence: "modelled",
  api: "recruit",
  modules: MODULES,
  documented: false,
});

const workflow = customFormat({
  id: "workflow",
  source: "https://www.zoho.com/recruit/help/error-codes.html",
  evidence: "doc",
  encoding: "form",
  methods: ["GET"],
  event: { name: "webhook", summary: "A workflow rule called a user-defined webhook" },
});

export const recruit = {
  id: "recruit",
  title: "Zoho Recruit",
  formats: [guide, wire, workflow],
} as const satisfies Product;
