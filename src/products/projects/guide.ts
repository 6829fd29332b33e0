import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import { guideFormat, modelledOnGuide } from "../shared/guide-format.ts";
import { recordId } from "../shared/schema-parts.ts";
import { bug, milestone, task, timelog } from "./entities.ts";

const once = { once: true };

export const guide = guideFormat({
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
