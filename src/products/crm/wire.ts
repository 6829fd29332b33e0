import { idsAt, textAt } from "../../core/field.ts";
import { watchFormat } from "../shared/watch-format.ts";

/** What a channel can watch, beside custom modules. */
const MODULES = [
  ...["Leads", "Accounts", "Contacts", "Deals", "Campaigns", "Tasks", "Cases", "Events", "Calls", "Solutions"],
  ...["Products", "Vendors", "Price_Books", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices", "Appointments"],
  "Services",
] as const;

export const wire = watchFormat({
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
