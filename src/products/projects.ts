import { z } from "zod";
import { idsAt, type Payload, textAt, valueAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Product } from "../model/product.ts";
import { customFormat, idFields } from "./shared/custom-format.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import {
  calendarDate,
  dateTime,
  lazyObject,
  lookup,
  optionalText,
  recordId,
  requiredText,
} from "./shared/schema-parts.ts";

const once = { once: true };

const envelope = lazyObject({
  event: requiredText,
  portal_id: recordId,
  project: () => z.looseObject({ id: recordId(), name: z.string() }),
});

const guide = guideFormat({
  ...modelledOnGuide("Zoho Desk Webhook Payload"),
  events: [
    projectEvent("task_created", "A task was created", withTask, once),
    projectEvent("task_updated", "A task was updated", withTask),
    // A completed task or milestone can be reopened, and completed again.
    projectEvent("task_completed", "A task was completed", withTask),
    projectEvent("task_deleted", "A task was deleted", withTask, once),
    projectEvent("milestone_created", "A milestone was created", () => ({ milestone: milestone() }), once),
    projectEvent("milestone_completed", "A milestone was completed", () => ({ milestone: milestone() })),
    projectEvent("timelog_added", "Time was logged on a task", () => ({ timelog: timelog() }), once),
    projectEvent("bug_reported", "A bug was reported", () => ({ bug: bug() }), once),
    projectEvent("bug_updated", "A bug was updated", () => ({ bug: bug() })),
  ],
  envelope: () => envelope,
  // The object is named after the first word of the event: `task_created` has a `task`.
  records: (data, name) => idsAt(data, [name.split("_", 1)[0] ?? "", "id"]),
});

function withTask() {
  return { task: task() };
}

function projectEvent<const Name extends string, Shape extends z.ZodRawShape>(
  name: Name,
  summary: string,
  members: () => Shape,
  options?: EventOptions,
) {
  return event(name, summary, () => envelope().extend({ event: z.literal(name), ...members() }), options);
}

function task() {
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

function milestone() {
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

function timelog() {
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

function bug() {
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

const wire = customFormat({
  id: "wire",
  source:
    "https://help.zoho.com/portal/en/kb/projects/settings-in-zoho-projects/issue-tracker/automation/articles/issue-webhooks",
  evidence: "doc",
  encoding: "form",
  wrappedIn: "data",
  methods: ["GET"],
  event: { name: "webhook", summary: "A rule or a custom function called a user-defined webhook" },
  recognise,
  records(data) {
    const task = TASKS.flatMap((path) => firstId(data, path));
    return task.length > 0 ? task.slice(0, 1) : idFields(data);
  },
});

/** The places of task and project in the bodies of known custom functions. */
const TASKS = [["Task", "tasks", "0"], ["Task"], ["task"]] as const;
const PROJECTS = [["Project"], ["project"], ["Projects"]] as const;

/** A task beside its project, as custom functions write them, and no event, which other envelopes have. */
function recognise({ data }: Payload): string | undefined {
  if (textAt(data, ["event"]) !== undefined || textAt(data, ["event_type"]) !== undefined) return undefined;
  const task = TASKS.some((path) => firstId(data, path).length > 0);
  const project = PROJECTS.some((path) => firstId(data, path).length > 0);
  return task && project ? "webhook" : undefined;
}

function firstId(data: unknown, path: readonly string[]): readonly string[] {
  const object = valueAt(data, path);
  return ["id_string", "id", "PROJECTID"].flatMap((name) => idsAt(object, [name])).slice(0, 1);
}

export const projects = { id: "projects", title: "Zoho Projects", formats: [guide, wire] } as const satisfies Product;
