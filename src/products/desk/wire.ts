import { z } from "zod";
import { idsAt, textAt } from "../../delivery/payload.ts";
import type { FormatSettings } from "../../model/format-settings.ts";
import { event, type Format } from "../../model/product.ts";
import {
  answerProbe,
  dateTime,
  lazyObject,
  optionalText,
  recordId,
  requiredText,
  severalHint,
} from "../shared/schema-parts.ts";
import { deskToken } from "./token.ts";

const wireEvents = [
  desk("Ticket_Add", "A ticket was added", ticketPayload),
  desk("Ticket_Update", "A ticket's fields were changed", ticketPayload),
  desk("Ticket_Delete", "A ticket was deleted", record),
  desk("Ticket_Thread_Add", "A message was received or sent in a ticket", threadPayload),
  desk("Ticket_Comment_Add", "A comment was added to a ticket", commentPayload),
  desk("Ticket_Comment_Update", "A comment of a ticket was changed", commentPayload),
  desk("Ticket_Attachment_Add", "A file was attached to a ticket", anyPayload),
  desk("Ticket_Attachment_Update", "An attachment of a ticket was changed", anyPayload),
  desk("Ticket_Attachment_Delete", "An attachment of a ticket was deleted", anyPayload),
  desk("Ticket_Approval_Add", "An approval was requested", anyPayload),
  desk("Ticket_Approval_Update", "An approval was granted, rejected or changed", anyPayload),
  desk("Contact_Add", "A contact was added", contactPayload),
  desk("Contact_Update", "A contact was changed", contactPayload),
  desk("Contact_Delete", "A contact was deleted", record),
  desk("Account_Add", "An account was added", record),
  desk("Account_Update", "An account was changed", record),
  desk("Account_Delete", "An account was deleted", record),
  desk("Agent_Add", "An agent was added", record),
  desk("Agent_Update", "An agent was changed", record),
  desk("Agent_Delete", "An agent was deleted", record),
  desk("Agent_Presence_Update", "An agent's session began or ended", anyPayload),
  desk("Agent_Channel_Preference_Update", "An agent's channel preference was changed", anyPayload),
  desk("Department_Add", "A department was added", record),
  desk("Department_Update", "A department was changed", record),
  desk("Task_Add", "A task was added", record),
  desk("Task_Update", "A task was changed", record),
  desk("Task_Delete", "A task was deleted", record),
  desk("Call_Add", "A call was added", record),
  desk("Call_Update", "A call was changed", record),
  desk("Call_Delete", "A call was deleted", record),
  desk("Event_Add", "A calendar event was added", record),
  desk("Event_Update", "A calendar event was changed", record),
  desk("Event_Delete", "A calendar event was deleted", record),
  desk("TimeEntry_Add", "A time entry was added", record),
  desk("TimeEntry_Update", "A time entry was changed", record),
  desk("TimeEntry_Delete", "A time entry was deleted", record),
  desk("Article_Add", "An article was added", articlePayload),
  desk("Article_Update", "An article was changed", articlePayload),
  desk("Article_Delete", "An article was permanently deleted", record),
  desk("Article_Feedback_Add", "A reader gave feedback on an article", record),
  desk("Article_Translation_Add", "A translation was added to an article", articlePayload),
  desk("Article_Translation_Update", "A translation of an article was changed", articlePayload),
  desk("Article_Translation_Delete", "A translation of an article was deleted", anyPayload),
  desk("KBRootCategory_Add", "A root category of the knowledge base was added", record),
  desk("KBRootCategory_Update", "A root category of the knowledge base was changed", record),
  desk("KBRootCategory_Delete", "A root category of the knowledge base was deleted", record),
  desk("KBSection_Add", "A section of the knowledge base was added", record),
  desk("KBSection_Update", "A section of the knowledge base was changed", record),
  desk("KBSection_Delete", "A section of the knowledge base was deleted", record),
  desk("IM_Message_Add", "An instant message was received or sent", messagePayload),
  desk("IM_Message_Status", "An instant message was sent, delivered or read", anyPayload),
  desk("IM_Session_Status", "A conversation's status changed", sessionPayload),
] as const;

function desk<const Name extends string, Payload extends z.ZodType>(
  name: Name,
  summary: string,
  payload: () => Payload,
) {
  return event(name, summary, () => deliveryOf(name, payload()));
}

/** An array, in practice with one event; a longer one is validated by its first. */
function deliveryOf<const Name extends string, Payload extends z.ZodType>(name: Name, payload: Payload) {
  return z.tuple([eventObject().extend({ payload, eventType: z.literal(name) })], eventObject());
}

const eventObject = lazyObject({
  payload: () => z.looseObject({}),
  eventType: requiredText,
  eventTime: () => z.string().regex(/^\d+$/, "milliseconds since 1970, as text"),
  orgId: recordId,
  // Only with the option includePrevState of the subscription.
  prevState: () => z.looseObject({}).nullish(),
});

export const wire = format({});

function format(settings: FormatSettings) {
  return {
    id: "wire",
    source:
      "modelled on the deliveries of IM events that Zoho prints (https://help.zoho.com/portal/en/kb/desk/support-channels/instant-messaging/webhooks/articles/set-up-im-session-status-webhook) and on receivers in use",
    evidence: "seen",
    proofs: [deskToken(settings)],
    events: wireEvents,
    body: {
      layout: "list",
      envelope: () => eventObject,
      recognise: ({ data }) => textAt(data, ["0", "eventType"]),
      records: recordsOf,
    },
    setup: {
      // A webhook is created only if its URL answers 200 to a GET or else to an empty POST: the receiver has to run before that.
      handshake: answerProbe,
      probes: [
        { method: "GET", contentType: "", body: Buffer.alloc(0) },
        // With the content type of a form: Express parses the body of the real request as one.
        { contentType: "application/x-www-form-urlencoded", body: Buffer.from("{}") },
      ],
      settings: ["issuer", "audience"],
      configure: format,
    },
    sender: {
      methods: ["GET", "HEAD"],
      answer: { withinMs: 5000, only200: true, removedBy: 410 },
      hint: ({ data }) => severalHint(data) ?? "X-ZDesk-JWT shows who sent a delivery, not that its body is unchanged",
    },
  } as const satisfies Format;
}

function recordsOf(data: unknown): readonly string[] {
  const events: readonly unknown[] = Array.isArray(data) ? data : [];
  return events.flatMap((each) => {
    const ids = idsAt(each, ["payload", "id"]);
    return ids.length > 0 ? ids : idsAt(each, ["payload", "sessionId"]);
  });
}

/** For most kinds of records only the id is certain. */
function record() {
  return z.looseObject({ id: recordId() });
}

function ticketPayload() {
  return record().extend({
    ticketNumber: z.string(),
    departmentId: recordId(),
    subject: optionalText(),
    description: optionalText(),
    status: optionalText(),
    statusType: optionalText(),
    priority: optionalText(),
    channel: optionalText(),
    contactId: recordId().nullish(),
    assigneeId: recordId().nullish(),
    email: optionalText(),
    threadCount: optionalText(),
    commentCount: optionalText(),
    createdTime: dateTime().nullish(),
    modifiedTime: dateTime().nullish(),
    closedTime: dateTime().nullish(),
    firstThread: z.looseObject({ ticketId: recordId().nullish(), content: optionalText() }).nullish(),
  });
}

function threadPayload() {
  return record().extend({
    ticketId: recordId(),
    departmentId: recordId().nullish(),
    direction: optionalText(),
    content: optionalText(),
    summary: optionalText(),
    // One text with commas between the addresses, and not in every delivery.
    to: optionalText(),
    fromEmailAddress: optionalText(),
    author: z.looseObject({ name: optionalText(), email: optionalText(), type: optionalText() }).nullish(),
    createdTime: dateTime().nullish(),
  });
}

function commentPayload() {
  return record().extend({
    ticketId: recordId().nullish(),
    content: optionalText(),
    contentType: optionalText(),
    isPublic: z.boolean().nullish(),
    commenterId: recordId().nullish(),
    commentedTime: dateTime().nullish(),
  });
}

function contactPayload() {
  return record().extend({
    firstName: optionalText(),
    lastName: optionalText(),
    email: optionalText(),
    phone: optionalText(),
    accountId: recordId().nullish(),
  });
}

function articlePayload() {
  return record().extend({
    title: optionalText(),
    status: optionalText(),
    locale: optionalText(),
    departmentId: recordId().nullish(),
    categoryId: recordId().nullish(),
    createdTime: dateTime().nullish(),
    modifiedTime: dateTime().nullish(),
  });
}

function messagePayload() {
  return z.looseObject({
    id: z.string(),
    sessionId: z.string(),
    channelId: optionalText(),
    messageType: optionalText(),
    text: optionalText(),
    direction: optionalText(),
    status: optionalText(),
    createdTime: optionalText(),
    actor: z.looseObject({ name: optionalText(), type: optionalText() }).nullish(),
  });
}

function sessionPayload() {
  return z.looseObject({
    sessionId: z.string(),
    channelId: optionalText(),
    sessionStatus: optionalText(),
    sessionOldStatus: optionalText(),
    messagesCount: optionalText(),
  });
}

/** Not even an id is documented. */
function anyPayload() {
  return z.looseObject({});
}
