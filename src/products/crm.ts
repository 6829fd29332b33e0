import { z } from "zod";
import { idsAt, textAt } from "../delivery/payload.ts";
import { event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { printedInGuide } from "./shared/guide-format.ts";
import { deletedData, moduleEnvelope, moduleEventOf, moduleGuide, recordData, watchFormat } from "./shared/modules.ts";
import { calendarDate, dateTime, lookup, optionalText, recordId } from "./shared/schema-parts.ts";

/** The modules that fixtures exist for; any other module has the same events with fields of its own. */
const knownModules = ["Leads", "Contacts", "Accounts", "Deals", "Tasks"] as const;

const crmEvent = moduleEventOf("crm");
const once = { once: true };

/** The four events of a module whose fields are known. `noun` as in "A lead was created". */
function moduleEvents<const Module extends string, Shape extends z.ZodRawShape>(
  module: Module,
  noun: string,
  fields: () => z.ZodObject<Shape, z.core.$loose>,
) {
  // A change may contain only some fields, but always the id.
  const changed = () => fields().partial().extend({ id: recordId() });
  return [
    crmEvent(`${module}.create`, `${noun} was created`, fields, once),
    crmEvent(`${module}.update`, `${noun} was updated`, changed),
    crmEvent(`${module}.edit`, `${noun} was edited`, changed),
    crmEvent(`${module}.delete`, `${noun} was deleted`, deletedData, once),
  ] as const;
}

const members = knownModules;

/** Events of any module, custom ones included. */
const familyEvents = [
  crmEvent("<Module>.create", "A record was created, in any module", recordData, { once: true, members }),
  crmEvent("<Module>.update", "A record was updated, in any module", recordData, { members }),
  crmEvent("<Module>.edit", "A record was edited, in any module", recordData, { members }),
  crmEvent("<Module>.delete", "A record was deleted, in any module", deletedData, { once: true, members }),
  event(
    "<Module>.field.update",
    "A watched field of a record changed its value, in any module",
    () =>
      moduleEnvelope("crm", "<Module>.field.update", recordData()).extend({
        affected_fields: z.array(z.string()).optional(),
      }),
    { members },
  ),
  event(
    "<Module>.workflow",
    "A workflow rule called the webhook for a record, in any module",
    () =>
      moduleEnvelope("crm", "<Module>.workflow", recordData()).extend({
        workflow: z.looseObject({ id: recordId(), name: z.string() }).optional(),
      }),
    { members },
  ),
] as const;

/** The modules that a channel can watch, beside custom ones. */
const MODULES = [
  "Leads",
  "Accounts",
  "Contacts",
  "Deals",
  "Campaigns",
  "Tasks",
  "Cases",
  "Events",
  "Calls",
  "Solutions",
  "Products",
  "Vendors",
  "Price_Books",
  "Quotes",
  "Sales_Orders",
  "Purchase_Orders",
  "Invoices",
  "Appointments",
  "Services",
] as const;

const guide = moduleGuide({
  api: "crm",
  ...printedInGuide("Zoho CRM Webhook Payload"),
  events: [
    ...moduleEvents("Leads", "A lead", leadData),
    crmEvent(
      "Leads.convert",
      "A lead was converted into an account, a contact and perhaps a deal",
      convertedLeadData,
      once,
    ),
    ...moduleEvents("Contacts", "A contact", contactData),
    ...moduleEvents("Accounts", "An account", accountData),
    ...moduleEvents("Deals", "A deal", dealData),
    crmEvent("Deals.stage.change", "A deal moved to another stage", movedDealData),
    ...moduleEvents("Tasks", "A task", taskData),
    ...familyEvents,
  ],
});

// Only the field that every layout has is required.

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

const wire = watchFormat({
  source: "https://www.zoho.com/crm/developer/docs/api/v7/notifications/enable.html",
  evidence: "doc",
  api: "crm",
  modules: MODULES,
  documented: true,
  hint({ data }) {
    if (textAt(data, ["operation"]) === "update") {
      return "Zoho also notifies of changes to related records, unless the channel sets notify_on_related_action to false";
    }
    return idsAt(data, ["ids"]).length > 0 && textAt(data, ["operation"]) === "insert"
      ? "a notification has record ids only: fetch the records through the API, or see them with listen --expand"
      : undefined;
  },
});

const workflow = customFormat({
  id: "workflow",
  source: "https://www.zoho.com/crm/developer/docs/api/v8/create-webhook.html",
  evidence: "doc",
  encoding: "form",
  methods: ["GET", "PUT", "DELETE"],
  event: { name: "webhook", summary: "A workflow rule called a user-defined webhook" },
});

export const crm = { id: "crm", title: "Zoho CRM", formats: [guide, wire, workflow] } as const satisfies Product;
