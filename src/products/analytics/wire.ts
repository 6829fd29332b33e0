import { textAt } from "../../core/field.ts";
import { userFormed } from "../../core/user-formed.ts";

// What a call-back's body holds is nowhere printed: only the answer of the job's own API is known to look like this.
export const wire = userFormed({
  id: "wire",
  source: "https://zoho.com/analytics/api/v2/bulk-api/export-data-async.html",
  encoding: "json",
  event: { name: "bulk_job_finished", summary: "An asynchronous import or export ended, well or not" },
  recognise: ({ data }) => (jobOf(data).length === 0 || code(data) === undefined ? undefined : "bulk_job_finished"),
  records: jobOf,
});

function jobOf(data: unknown): readonly string[] {
  const id = textAt(data, ["data", "jobId"]) ?? textAt(data, ["jobId"]);
  return id === undefined ? [] : [id];
}

function code(data: unknown): string | undefined {
  return textAt(data, ["data", "jobCode"]) ?? textAt(data, ["jobCode"]);
}
