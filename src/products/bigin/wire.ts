import { watchFormat } from "../shared/watch-format.ts";

export const wire = watchFormat({
  source: "https://www.bigin.com/developer/docs/apis/v2/notifications/enable.html",
  api: "bigin",
  modules: ["Contacts", "Pipelines", "Accounts", "Products", "Tasks", "Events", "Calls"],
  documented: true,
});
