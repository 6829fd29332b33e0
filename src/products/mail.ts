import { z } from "zod";
import { headerValue } from "../delivery/delivery.ts";
import { idsAt, textAt } from "../delivery/payload.ts";
import { event, type Format, type Product, plainReply } from "../model/product.ts";
import { bodySignature } from "../signatures/body-signature.ts";
import { writeJson } from "../util/json.ts";
import { CUSTOM } from "./shared/custom-format.ts";
import { amount, lazyObject, looseId, optionalText, requiredText, wireId } from "./shared/schema-parts.ts";

/** The key is the text of the secret that Zoho Mail sends in `x-hook-secret` when the webhook is saved, or its URL changed. */
const mailSignature = bodySignature({
  id: "mail-signature",
  header: "x-hook-signature",
  credential: "hookSecret",
  key: "hook secret",
});

const HOOK_SECRET = "x-hook-secret";

/**
 * An e-mail met the conditions of an outgoing webhook. Saving the webhook makes a first call with the secret of all later ones;
 * unless that is answered with 200, the webhook is not saved.
 */
const wire = {
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/mail/help/dev-platform/webhook.html",
  evidence: "seen",
  proofs: [mailSignature],
  events: [
    event("message", "An e-mail that meets the webhook's conditions arrived", () => message()),
    event("task<Action>", "A task was changed; its action says how", () => task(), { members: ["Updated"] }),
    // The content is not documented.
    event("webhook", "Any other event of a webhook", z.unknown, CUSTOM),
  ],
  body: {
    customEvent: "webhook",
    recognise: ({ data }) => {
      const has = (key: string): boolean => Object.hasOwn(Object(data), key);
      if (isTask(data)) return textAt(data, ["action"]);
      return ["subject", "fromAddress", "toAddress"].filter(has).length > 1 ? "message" : undefined;
    },
    envelope: (data) => (isTask(data) ? task : message),
    records: (data) => [...idsAt(data, ["messageId"]), ...idsAt(data, ["entityId"])],
  },
  setup: {
    handshake: (_payload, delivery) =>
      delivery.method === "POST" && headerValue(delivery, HOOK_SECRET) === undefined
        ? undefined
        : plainReply(200, "OK"),
    // The rest of the first call is not documented.
    probes: [
      {
        contentType: "application/json",
        body: Buffer.from("{}"),
        handsOver: { header: HOOK_SECRET, credential: "hookSecret" },
      },
    ],
  },
  sender: {
    // Zoho Mail escapes slashes, which an app loses that parses the body and writes it again.
    encode: (data) => ({
      contentType: "application/json",
      body: Buffer.from(writeJson(data).replaceAll("/", "\\/")),
    }),
    // The method of the first call is not documented; later ones are POST.
    methods: ["GET", "HEAD"],
  },
} as const satisfies Format;

/** Members that a body of the user's own may have as well. */
const PLAIN = ["subject", "sender", "summary", "html", "size", "title", "action", "assignee", "status"];

/** With the option "Limited Data List" only subject, sender and receiver are sent. */
const message = lazyObject(
  {
    subject: requiredText,
    fromAddress: requiredText,
    toAddress: requiredText,
    ccAddress: optionalText,
    sender: optionalText,
    summary: optionalText,
    html: optionalText,
    messageId: () => wireId().nullish(),
    folderId: () => wireId().nullish(),
    zuid: () => wireId().nullish(),
    size: amount,
    sentDateInGMT: amount,
    receivedTime: amount,
    IntegIdList: () => z.unknown().optional(),
    Mode: amount,
    threadId: looseId,
    hasAttachment: optionalText,
    messageIdString: optionalText,
  },
  PLAIN,
);

function isTask(data: unknown): boolean {
  return ["entityType", "entityId"].some((key) => Object.hasOwn(Object(data), key));
}

const task = lazyObject(
  {
    action: () => z.string().regex(/^task/i, "the action of a task, such as taskUpdated"),
    entityId: wireId,
    entityType: amount,
    title: optionalText,
    summary: optionalText,
    assignee: looseId,
    assigneeName: optionalText,
    dueDate: amount,
    nameSpaceId: looseId,
    groupName: optionalText,
    status: amount,
    statusName: optionalText,
    triggerZuid: looseId,
  },
  PLAIN,
);

export const mail = { id: "mail", title: "Zoho Mail", formats: [wire] } as const satisfies Product;
