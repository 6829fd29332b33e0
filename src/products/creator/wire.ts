import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "https://www.zoho.com/deluge/help/deluge-invoke-url.html",
  encoding: "form",
  // A script's socket times out then.
  answer: { withinMs: 40_000 },
  methods: ["GET", "PUT", "PATCH", "DELETE"],
  event: { name: "webhook", summary: "A Deluge script called a webhook that its author designed" },
});
