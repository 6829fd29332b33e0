import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { bodyToken } from "../../core/proofs/body-token.ts";
import { guideSignature } from "../../core/proofs/guide-signature.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { moduleEnvelope, moduleRecords, recogniseModuleEvent } from "../shared/module-envelope.ts";
import { dateTime, lookup, optionalText } from "../shared/schema-parts.ts";
import { familyEvents, moduleEvents } from "./module-events.ts";
import { accountData, contactData, dealData, leadData, taskData } from "./modules.ts";

export const guide = guideFormat({
  source: printedInGuide("Zoho CRM Webhook Payload"),
  // The token stands in the body that the signature covers.
  proofs: [bodyToken, guideSignature],
  events: [
    ...moduleEvents("Leads", "A lead", leadData),
    event(
      "Leads.convert",
      "A lead was converted into an account, a contact and perhaps a deal",
      () => moduleEnvelope("crm", z.literal("Leads"), "convert", convertedLeadData()),
      { once: true },
    ),
    ...moduleEvents("Contacts", "A contact", contactData),
    ...moduleEvents("Accounts", "An account", accountData),
    ...moduleEvents("Deals", "A deal", dealData),
    event("Deals.stage.change", "A deal moved to another stage", () =>
      moduleEnvelope("crm", z.literal("Deals"), "stage.change", movedDealData()),
    ),
    ...moduleEvents("Tasks", "A task", taskData),
    ...familyEvents,
  ],
  recognise: recogniseModuleEvent,
  records: moduleRecords,
});

function convertedLeadData() {
  return leadData().extend({
    Last_Name: optionalText(),
    Converted_Account: lookup().nullish(),
    Converted_Contact: lookup().nullish(),
    Converted_Deal: lookup().nullish(),
    Converted_Date_Time: dateTime().nullish(),
  });
}

function movedDealData() {
  return dealData().extend({ Deal_Name: optionalText(), Previous_Stage: optionalText() });
}
