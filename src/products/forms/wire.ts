import { userFormed } from "../../core/user-formed.ts";

// The user picks the fields, their names and the content type; files come with multipart only, subforms with JSON only.
export const wire = userFormed({
  id: "wire",
  source: "https://www.zoho.com/forms/help/integrations/webhooks.html",
  encoding: "json",
  event: { name: "form_submitted", summary: "A form was submitted, told in the fields that its user chose" },
});
