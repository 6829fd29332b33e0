import { z } from "zod";
import { idsAt, textAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { dateTime, lazyObject, optionalText, recordId, requiredText } from "./shared/schema-parts.ts";

const envelope = lazyObject({
  event: requiredText,
  organization_id: recordId,
  workspace_id: recordId,
  data: () => z.looseObject({}),
});

const guide = guideFormat({
  ...modelledOnGuide("Zoho Books Webhook Payload"),
  events: [
    analyticsEvent("data_updated", "The data of a table was updated", update),
    analyticsEvent("import_completed", "An import job was completed", importJob, { once: true }),
    analyticsEvent("export_completed", "An export job was completed", exportJob, { once: true }),
  ],
  envelope: () => envelope,
  // A job is completed once, a table is updated again and again.
  records: (data, name) => idsAt(data, ["data", name === "data_updated" ? "view_id" : "job_id"]),
});

function analyticsEvent<const Name extends string, Data extends z.ZodType>(
  name: Name,
  summary: string,
  data: () => Data,
  options?: EventOptions,
) {
  return event(name, summary, () => envelope().extend({ event: z.literal(name), data: data() }), options);
}

function view() {
  return z.looseObject({ view_id: recordId(), view_name: optionalText() });
}

function update() {
  return view().extend({
    rows_added: z.number().nullish(),
    rows_updated: z.number().nullish(),
    rows_deleted: z.number().nullish(),
    updated_time: dateTime(),
  });
}

function importJob() {
  return view().extend({
    job_id: recordId(),
    import_type: optionalText(),
    status: z.string(),
    total_rows: z.number().nullish(),
    success_rows: z.number().nullish(),
    started_time: dateTime().nullish(),
    completed_time: dateTime(),
  });
}

function exportJob() {
  return view().extend({
    job_id: recordId(),
    file_format: optionalText(),
    status: z.string(),
    total_rows: z.number().nullish(),
    download_url: optionalText(),
    expiry_time: dateTime().nullish(),
    started_time: dateTime().nullish(),
    completed_time: dateTime(),
  });
}

// The body of a callback is not documented; this is the response of the job's API.
const wire = customFormat({
  id: "wire",
  source:
    "modelled on the job in the API's answers (https://zoho.com/analytics/api/v2/bulk-api/export-data-async.html)",
  evidence: "modelled",
  encoding: "json",
  event: { name: "bulk_job_finished", summary: "An asynchronous import or export succeeded or failed" },
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

export const analytics = {
  id: "analytics",
  title: "Zoho Analytics",
  formats: [guide, wire],
} as const satisfies Product;
