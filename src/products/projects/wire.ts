import { idsAt, textAt } from "../../core/field.ts";
import type { Payload } from "../../core/payload.ts";
import { valueAt } from "../../core/schema-check.ts";
import { idFields, userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
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
