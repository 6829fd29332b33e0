import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/flow/user-guide/create-a-flow/articles/outgoing-webhooks",
  encoding: "json",
  methods: ["GET", "PUT", "PATCH", "DELETE"],
  event: { name: "webhook", summary: "A flow made an HTTP request that its user designed" },
});
