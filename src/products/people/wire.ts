import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/people/administrator-guide/common-settings/articles/webhooks-zoho-people",
  encoding: "form",
  methods: ["GET"],
  event: { name: "webhook", summary: "A workflow of a form called a webhook that its user designed" },
});
