import { z } from "zod";
import { idsAt } from "../../delivery/payload.ts";
import { type EventOptions, event } from "../../model/product.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { dateTime, lazyObject, optionalText, recordId, requiredText } from "../shared/schema-parts.ts";

const COMMENT_ADDED = "Ticket.Comment.Added";

export const guide = guideFormat({
  ...printedInGuide("Zoho Desk Webhook Payload"),
  events: [
    ticketEvent("Ticket.Create", "A ticket was created", createdTicket, { once: true }),
    ticketEvent("Ticket.Update", "A ticket was updated", ticket),
    // A closed ticket can be reopened, and closed again.
    ticketEvent("Ticket.Close", "A ticket was closed", closedTicket),
    ticketEvent("Ticket.Delete", "A ticket was deleted", deletedTicket, { once: true }),
    event(
      COMMENT_ADDED,
      "A comment was added to a ticket",
      () => envelope(COMMENT_ADDED, ticket()).extend({ comment: comment() }),
      { once: true },
    ),
    event("Ticket.Assignment.Changed", "A ticket was assigned to another agent or team", () =>
      envelope("Ticket.Assignment.Changed", ticket()).extend({
        assignee: agent().nullable(),
        previousAssignee: agent().nullish(),
      }),
    ),
    event("Ticket.Status.Changed", "A ticket's status changed", () =>
      envelope("Ticket.Status.Changed", ticket().extend({ status: z.string() })).extend({
        previousStatus: optionalText(),
      }),
    ),
  ],
  envelope: () => base,
  records: (data, name) => idsAt(data, name === COMMENT_ADDED ? ["comment", "id"] : ["ticketId"]),
});

function ticketEvent<const Name extends string, Ticket extends z.ZodType>(
  name: Name,
  summary: string,
  schema: () => Ticket,
  options?: EventOptions,
) {
  return event(name, summary, () => envelope(name, schema()), options);
}

function envelope<const Name extends string, Ticket extends z.ZodType>(name: Name, schema: Ticket) {
  return base().extend({ event: z.literal(name), ticket: schema });
}

const base = lazyObject({ event: requiredText, orgId: recordId, ticketId: recordId, ticket: () => z.looseObject({}) });

function ticket() {
  return z.looseObject({
    ticketNumber: z.string(),
    subject: optionalText(),
    departmentId: recordId().nullish(),
    contactId: recordId().nullish(),
    email: optionalText(),
    status: optionalText(),
    priority: optionalText(),
    createdTime: dateTime().nullish(),
    modifiedTime: dateTime().nullish(),
  });
}

function createdTicket() {
  return ticket().extend({ subject: z.string(), status: z.string(), createdTime: dateTime() });
}

function closedTicket() {
  return ticket().extend({ status: z.string(), closedTime: dateTime().nullish() });
}

function deletedTicket() {
  return ticket().extend({ deletedTime: dateTime().nullish() });
}

function comment() {
  return z.looseObject({
    id: recordId(),
    content: z.string(),
    contentType: optionalText(),
    isPublic: z.boolean().nullish(),
    commenter: z.looseObject({ id: recordId(), name: optionalText(), type: optionalText() }).nullish(),
    commentedTime: dateTime().nullish(),
  });
}

function agent() {
  return z.looseObject({ id: recordId(), name: optionalText(), email: optionalText() });
}
