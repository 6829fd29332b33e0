import { userFormed } from "../../core/user-formed.ts";

export const workflow = userFormed({
  id: "workflow",
  source: "https://www.zoho.com/recruit/help/error-codes.html",
  encoding: "form",
  methods: ["GET"],
  event: { name: "webhook", summary: "A workflow rule called a webhook that its user designed" },
});
