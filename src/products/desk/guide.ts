import { z } from "zod";
import { idsAt } from "../../body/payload.ts";
import { event } from "../../core/product.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

const COMMENT_ADDED = "Ticket.Comment.Added";

export const guide = guideFormat({
  source: printedInGuide("Zoho Desk Webhook Payload"),
  events: [
    event("Ticket.Create", "A ticket was created", () => envelope("Ticket.Create", createdTicket()), { once: true }),
    event("Ticket.Update", "A ticket was updated", () => envelope("Ticket.Update", ticket())),
    // A closed ticket can be reopened, and closed again.
    event("Ticket.Close", "A ticket was closed", () =>
      envelope("Ticket.Close", ticket().extend({ status: z.string(), closedTime: dateTime().nullish() })),
    ),
    event(
      "Ticket.Delete",
      "A ticket was deleted",
      () => envelope("Ticket.Delete", ticket().extend({ deletedTime: dateTime().nullish() })),
      { once: true },
    ),
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
  records: (data, name) => idsAt(data, name === COMMENT_ADDED ? ["comment", "id"] : ["ticketId"]),
});

function envelope<const Name extends string, Ticket extends z.ZodType>(name: Name, shape: Ticket) {
  return z.looseObject({
    event: z.literal(name),
    orgId: recordId(),
    ticketId: recordId(),
    ticket: shape,
  });
}

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
