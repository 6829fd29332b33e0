import { z } from "zod";
import { calendarDate, dateTime, lookup, optionalText, recordId } from "../shared/schema-parts.ts";

export function task() {
  return z.looseObject({
    id: recordId(),
    name: z.string(),
    status: optionalText(),
    priority: optionalText(),
    percent_complete: z.number().nullish(),
    owners: z.array(lookup()).nullish(),
    end_date: calendarDate().nullish(),
    created_time: dateTime().nullish(),
    last_updated_time: dateTime().nullish(),
    completed_time: dateTime().nullish(),
    deleted_time: dateTime().nullish(),
  });
}

export function milestone() {
  return z.looseObject({
    id: recordId(),
    name: z.string(),
    status: optionalText(),
    owner: lookup().nullish(),
    end_date: calendarDate().nullish(),
    created_time: dateTime().nullish(),
    completed_time: dateTime().nullish(),
  });
}

export function timelog() {
  return z.looseObject({
    id: recordId(),
    task: lookup().nullish(),
    owner: lookup().nullish(),
    date: calendarDate(),
    hours: z.number(),
    billable: z.boolean().nullish(),
    notes: optionalText(),
    created_time: dateTime().nullish(),
  });
}

export function bug() {
  return z.looseObject({
    id: recordId(),
    title: z.string(),
    status: optionalText(),
    severity: optionalText(),
    reporter: lookup().nullish(),
    assignee: lookup().nullish(),
    created_time: dateTime().nullish(),
    last_updated_time: dateTime().nullish(),
  });
}
