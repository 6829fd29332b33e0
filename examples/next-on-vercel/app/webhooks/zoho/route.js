import { webhook } from "zoho-hooks/next";
import { saveLeads } from "../../../database.js";
import { zoho } from "../../../zoho.js";

export const POST = webhook("crm", { token: process.env.ZOHO_WEBHOOK_TOKEN }, async (event) => {
  if (!event.ok || event.format !== "wire") return;
  const { records, gone } = await zoho.expand(event.payload, { fields: { Leads: ["Last_Name", "Email"] } });
  await saveLeads(records, gone);
});
