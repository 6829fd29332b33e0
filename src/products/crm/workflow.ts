import { oneLine } from "../../core/one-line.ts";
import { userFormed } from "../../core/user-formed.ts";

/** A merge field that CRM found no record or field for, and left as it was typed. */
const UNMERGED = /\$\{![^}]*\}/;

export const workflow = userFormed({
  id: "workflow",
  source: "https://www.zoho.com/crm/developer/docs/api/v8/create-webhook.html",
  encoding: "form",
  methods: ["GET", "PUT", "DELETE"],
  event: { name: "webhook", summary: "A workflow rule called a webhook that its user designed" },
  hint({ data }) {
    const merge = UNMERGED.exec(typeof data === "string" ? data : (JSON.stringify(data) ?? ""))?.[0];
    return merge === undefined
      ? undefined
      : `${oneLine(merge)} came as it was typed: there is no such field or module, or the record had none`;
  },
});
