import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "https://zoho.com/campaigns/help/emailapi/webhooks/create-webhook.html",
  encoding: "json",
  event: { name: "webhook", summary: "Something happened to a mail that the Email API had sent" },
});
