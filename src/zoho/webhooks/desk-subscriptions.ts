import type { WebhookFilters } from "./managed-product.ts";

/** Which events take which filter: Zoho's OpenAPI (zohodesk-oas, `Webhook.json`), and what integrations send beside. */
const WITH_DEPARTMENTS = new Set([
  ...["Ticket_Add", "Ticket_Update", "Ticket_Comment_Add", "Ticket_Comment_Update", "Ticket_Thread_Add"],
  ...["Task_Add", "Task_Update", "Call_Add", "Call_Update", "Event_Add", "Event_Update"],
  ...["IM_Message_Add", "IM_Session_Status", "IM_Message_Status"],
]);
const WITH_PREVIOUS = new Set([
  ...["Ticket_Update", "Task_Update", "Call_Update", "Event_Update", "Account_Update", "Agent_Update"],
  ...["Article_Update", "Article_Translation_Update", "Contact_Update", "Department_Update"],
  ...["KBRootCategory_Update", "KBSection_Update", "TimeEntry_Update"],
]);
/** Not told to anybody as one that takes it: a single integration sends it along. */
const PERHAPS_WITH_PREVIOUS = new Set([...WITH_PREVIOUS, "Ticket_Approval_Update"]);
const WITH_FIELDS = new Set(["Ticket_Update"]);
const WITH_DIRECTION = new Set(["Ticket_Thread_Add"]);

/** Event names to filters: Desk wants `null` for an event without one. */
export function subscriptions(
  events: readonly string[],
  { departments, fields, previous, direction }: WebhookFilters,
): Readonly<Record<string, object | null>> {
  const filterOf = (event: string): object | null => {
    const filter = {
      ...(departments !== undefined && WITH_DEPARTMENTS.has(event) ? { departmentIds: departments } : {}),
      ...(fields !== undefined && WITH_FIELDS.has(event) ? { fields } : {}),
      ...(previous === true && PERHAPS_WITH_PREVIOUS.has(event) ? { includePrevState: true } : {}),
      ...(direction !== undefined && WITH_DIRECTION.has(event) ? { direction } : {}),
    };
    return Object.keys(filter).length === 0 ? null : filter;
  };
  return Object.fromEntries(events.map((event) => [event, filterOf(event)]));
}

/** Why Desk would refuse, or pass over, these filters. */
export function filterProblem(events: readonly string[], filters: WebhookFilters): string | undefined {
  const { departments, fields, previous, direction } = filters;
  const idle = (set: ReadonlySet<string>): boolean => !events.some((event) => set.has(event));
  const named = (flag: string, set: ReadonlySet<string>): string => `${flag} is a filter of ${[...set].join(", ")}`;
  if (departments !== undefined && idle(WITH_DEPARTMENTS)) return named("--departments", WITH_DEPARTMENTS);
  if (departments?.some((id) => !/^\d+$/.test(id))) return "--departments takes ids, which are digits";
  if (fields !== undefined && idle(WITH_FIELDS)) return named("--fields", WITH_FIELDS);
  if (fields !== undefined && fields.length > 5)
    return `--fields: Desk takes at most 5, and these are ${fields.length}`;
  if (previous === true && idle(PERHAPS_WITH_PREVIOUS)) return named("--previous", WITH_PREVIOUS);
  if (direction === undefined) return undefined;
  if (idle(WITH_DIRECTION)) return named("--direction", WITH_DIRECTION);
  return direction === "in" || direction === "out" ? undefined : "--direction is in or out";
}
