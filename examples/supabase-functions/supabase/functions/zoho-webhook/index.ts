// The adapter for Next takes a Request and returns a Response, which is what Deno needs.
import { webhook } from "zoho-hooks/next";
import { saveLeads } from "../_shared/database.ts";
import { zoho } from "../_shared/zoho.ts";

const handle = webhook("crm", { token: Deno.env.get("ZOHO_WEBHOOK_TOKEN") }, async (event) => {
  if (!event.ok || event.format !== "wire") return;
  const { records, gone } = await zoho.expand(event.payload, { fields: { Leads: ["Last_Name", "Email"] } });
  await saveLeads(records, gone);
});

Deno.serve(handle);
