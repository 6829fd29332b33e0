import { z } from "zod";
import { idsAt, type Payload, textAt, valueAt } from "../body/payload.ts";
import { event, type Product } from "../core/product.ts";
import { idFields, userFormed } from "../core/user-formed.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { calendarDate, dateTime, lookup, optionalText, recordId } from "./shared/schema-parts.ts";

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

const once = { once: true };

const guide = guideFormat({
  source: modelledOnGuide("Zoho Desk Webhook Payload"),
  events: [
    event("task_created", "A task was created", () => envelope("task_created").extend({ task: task() }), once),
    event("task_updated", "A task was updated", () => envelope("task_updated").extend({ task: task() })),
    // A completed task or milestone can be reopened, and completed again.
    event("task_completed", "A task was completed", () => envelope("task_completed").extend({ task: task() })),
    event("task_deleted", "A task was deleted", () => envelope("task_deleted").extend({ task: task() }), once),
    event(
      "milestone_created",
      "A milestone was created",
      () => envelope("milestone_created").extend({ milestone: milestone() }),
      once,
    ),
    event("milestone_completed", "A milestone was completed", () =>
      envelope("milestone_completed").extend({ milestone: milestone() }),
    ),
    event(
      "timelog_added",
      "Time was logged on a task",
      () => envelope("timelog_added").extend({ timelog: timelog() }),
      once,
    ),
    event("bug_reported", "A bug was reported", () => envelope("bug_reported").extend({ bug: bug() }), once),
    event("bug_updated", "A bug was updated", () => envelope("bug_updated").extend({ bug: bug() })),
  ],
  // The object is named after what the event is about: `task_created` carries a `task`.
  records: (data, name) => idsAt(data, [name.split("_", 1)[0] ?? "", "id"]),
});

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    event: z.literal(name),
    portal_id: recordId(),
    project: z.looseObject({ id: recordId(), name: z.string() }),
  });
}

const wire = userFormed({
  id: "wire",
  source:
    "https://help.zoho.com/portal/en/kb/projects/settings-in-zoho-projects/issue-tracker/automation/articles/issue-webhooks",
  encoding: "form",
  wrappedIn: "data",
  methods: ["GET"],
  event: { name: "webhook", summary: "A rule or a custom function called a webhook that its user designed" },
  recognise,
  records(data) {
    const task = TASKS.flatMap((path) => firstId(data, path));
    return task.length > 0 ? task.slice(0, 1) : idFields(data);
  },
});

/** Where custom functions in use put the task and the project. */
const TASKS = [["Task", "tasks", "0"], ["Task"], ["task"]] as const;
const PROJECTS = [["Project"], ["project"], ["Projects"]] as const;

/** By a task beside its project, as custom functions write them, without the event that an envelope would name. */
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
