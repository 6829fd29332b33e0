import { z } from "zod";
import { dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

/** What a delivery says of a record; of most kinds only the id is certain. */
export function record() {
  return z.looseObject({ id: recordId() });
}

/** Texts that a receiver may count on being texts, ids or times where they are there. */
export function ticketPayload() {
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

export function threadPayload() {
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

export function commentPayload() {
  return record().extend({
    ticketId: recordId().nullish(),
    content: optionalText(),
    contentType: optionalText(),
    isPublic: z.boolean().nullish(),
    commenterId: recordId().nullish(),
    commentedTime: dateTime().nullish(),
  });
}

export function contactPayload() {
  return record().extend({
    firstName: optionalText(),
    lastName: optionalText(),
    email: optionalText(),
    phone: optionalText(),
    accountId: recordId().nullish(),
  });
}

export function articlePayload() {
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

export function messagePayload() {
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

export function sessionPayload() {
  return z.looseObject({
    sessionId: z.string(),
    channelId: optionalText(),
    sessionStatus: optionalText(),
    sessionOldStatus: optionalText(),
    messagesCount: optionalText(),
  });
}

/** Of which not even an id is known. */
export function anyPayload() {
  return z.looseObject({});
}
