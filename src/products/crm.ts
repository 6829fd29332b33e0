import { z } from "zod";
import { idsAt, textAt } from "../body/payload.ts";
import { event, type Product } from "../core/product.ts";
import { guideSignature } from "../core/proofs/body-signature.ts";
import { bodyToken } from "../core/proofs/token.ts";
import { userFormed } from "../core/user-formed.ts";
import { oneLine } from "../util/text.ts";
import { guideFormat, printedInGuide } from "./shared/guide-format.ts";
import {
  deletedData,
  moduleEnvelope,
  moduleRecords,
  recogniseModuleEvent,
  recordData,
  watchFormat,
} from "./shared/modules.ts";
import { calendarDate, dateTime, lookup, optionalText, recordId } from "./shared/schema-parts.ts";

/** The modules that fixtures exist for; any other module has the same events with fields of its own. */
const knownModules = ["Leads", "Contacts", "Accounts", "Deals", "Tasks"] as const;

// The field that a layout cannot do without is required; users may take any other off theirs.

function leadData() {
  return recordData().extend({
    Last_Name: z.string(),
    First_Name: optionalText(),
    Company: optionalText(),
    Email: optionalText(),
    Phone: optionalText(),
    Lead_Status: optionalText(),
    Lead_Source: optionalText(),
  });
}

function contactData() {
  return recordData().extend({
    Last_Name: z.string(),
    First_Name: optionalText(),
    Email: optionalText(),
    Phone: optionalText(),
    Title: optionalText(),
    Account_Name: lookup().nullish(),
  });
}

function accountData() {
  return recordData().extend({
    Account_Name: z.string(),
    Industry: optionalText(),
    Website: optionalText(),
    Phone: optionalText(),
    Annual_Revenue: z.number().nullish(),
  });
}

function dealData() {
  return recordData().extend({
    Deal_Name: z.string(),
    Stage: z.string(),
    Amount: z.number().nullish(),
    Closing_Date: calendarDate().nullish(),
    Account_Name: lookup().nullish(),
    Contact_Name: lookup().nullish(),
  });
}

function taskData() {
  return recordData().extend({
    Subject: z.string(),
    Status: optionalText(),
    Priority: optionalText(),
    Due_Date: calendarDate().nullish(),
    What_Id: lookup().nullish(),
    Who_Id: lookup().nullish(),
  });
}

/** The four events of a module whose fields are known. `noun` as in "A lead was created". */
function moduleEvents<const Module extends string, Shape extends z.ZodRawShape>(
  module: Module,
  noun: string,
  fields: () => z.ZodObject<Shape, z.core.$loose>,
) {
  // A change may tell of some fields only, but always of which record.
  const changed = () => fields().partial().extend({ id: recordId() });
  const literal = () => z.literal(module);
  return [
    event(
      `${module}.create` as const,
      `${noun} was created`,
      () => moduleEnvelope("crm", literal(), "create", fields()),
      { once: true },
    ),
    event(`${module}.update` as const, `${noun} was updated`, () =>
      moduleEnvelope("crm", literal(), "update", changed()),
    ),
    event(`${module}.edit` as const, `${noun} was edited`, () => moduleEnvelope("crm", literal(), "edit", changed())),
    event(
      `${module}.delete` as const,
      `${noun} was deleted`,
      () => moduleEnvelope("crm", literal(), "delete", deletedData()),
      { once: true },
    ),
  ] as const;
}

const members = knownModules;

/** The same for any module, custom ones included. */
const familyEvents = [
  event(
    "<Module>.create",
    "A record was created, in any module",
    () => moduleEnvelope("crm", z.string(), "create", recordData()),
    { once: true, members },
  ),
  event(
    "<Module>.update",
    "A record was updated, in any module",
    () => moduleEnvelope("crm", z.string(), "update", recordData()),
    { members },
  ),
  event(
    "<Module>.edit",
    "A record was edited, in any module",
    () => moduleEnvelope("crm", z.string(), "edit", recordData()),
    { members },
  ),
  event(
    "<Module>.delete",
    "A record was deleted, in any module",
    () => moduleEnvelope("crm", z.string(), "delete", deletedData()),
    { once: true, members },
  ),
  event(
    "<Module>.field.update",
    "A watched field of a record changed its value, in any module",
    () =>
      moduleEnvelope("crm", z.string(), "field.update", recordData()).extend({
        affected_fields: z.array(z.string()).optional(),
      }),
    { members },
  ),
  event(
    "<Module>.workflow",
    "A workflow rule called the webhook for a record, in any module",
    () =>
      moduleEnvelope("crm", z.string(), "workflow", recordData()).extend({
        workflow: z.looseObject({ id: recordId(), name: z.string() }).optional(),
      }),
    { members },
  ),
] as const;

const guide = guideFormat({
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

/** What a channel can watch, beside custom modules. */
const MODULES = [
  ...["Leads", "Accounts", "Contacts", "Deals", "Campaigns", "Tasks", "Cases", "Events", "Calls", "Solutions"],
  ...["Products", "Vendors", "Price_Books", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices", "Appointments"],
  "Services",
] as const;

const wire = watchFormat({
  source: "https://www.zoho.com/crm/developer/docs/api/v7/notifications/enable.html",
  api: "crm",
  modules: MODULES,
  documented: true,
  hint({ data }) {
    if (textAt(data, ["operation"]) === "update") {
      return "a change of a related record notifies as well, unless the channel sets notify_on_related_action to false";
    }
    return idsAt(data, ["ids"]).length > 0 && textAt(data, ["operation"]) === "insert"
      ? "a notification holds ids and no records: read the records through the API"
      : undefined;
  },
});

/** A merge field that CRM found no record or field for, and left as it was typed. */
const UNMERGED = /\$\{![^}]*\}/;

const workflow = userFormed({
  id: "workflow",
  source: "https://www.zoho.com/crm/developer/docs/api/v8/create-webhook.html",
  encoding: "form",
  methods: ["GET", "PUT", "DELETE"],
  event: { name: "webhook", summary: "A workflow rule called a webhook that its user designed" },
  hint({ data }) {
    const merge = UNMERGED.exec(typeof data === "string" ? data : (JSON.stringify(data) ?? ""))?.[0];
    return merge === undefined
      ? undefined
      : `${oneLine(merge)} came as it was typed: there is no such field or module, or the record had none`;
  },
});

export const crm = { id: "crm", title: "Zoho CRM", formats: [guide, wire, workflow] } as const satisfies Product;
