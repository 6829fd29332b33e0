import { z } from "zod";
import { recordData } from "../shared/module-envelope.ts";
import { calendarDate, lookup, optionalText } from "../shared/schema-parts.ts";

/** The modules that fixtures exist for; any other module has the same events with fields of its own. */
export const knownModules = ["Leads", "Contacts", "Accounts", "Deals", "Tasks"] as const;

// The field that a layout cannot do without is required; users may take any other off theirs.

export function leadData() {
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

export function contactData() {
  return recordData().extend({
    Last_Name: z.string(),
    First_Name: optionalText(),
    Email: optionalText(),
    Phone: optionalText(),
    Title: optionalText(),
    Account_Name: lookup().nullish(),
  });
}

export function accountData() {
  return recordData().extend({
    Account_Name: z.string(),
    Industry: optionalText(),
    Website: optionalText(),
    Phone: optionalText(),
    Annual_Revenue: z.number().nullish(),
  });
}

export function dealData() {
  return recordData().extend({
    Deal_Name: z.string(),
    Stage: z.string(),
    Amount: z.number().nullish(),
    Closing_Date: calendarDate().nullish(),
    Account_Name: lookup().nullish(),
    Contact_Name: lookup().nullish(),
  });
}

export function taskData() {
  return recordData().extend({
    Subject: z.string(),
    Status: optionalText(),
    Priority: optionalText(),
    Due_Date: calendarDate().nullish(),
    What_Id: lookup().nullish(),
    Who_Id: lookup().nullish(),
  });
}
