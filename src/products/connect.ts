import { z } from "zod";
import { idsAt, textAt } from "../delivery/payload.ts";
import { event, type Format, type Product } from "../model/product.ts";
import { answerProbe, lazyObject, looseId, optionalText, requiredText, wireId } from "./shared/schema-parts.ts";

/** Triggers that are named where a webhook is created, without a sample of their payloads. */
const OTHERS = [
  "Board_Created",
  "Task_Assigned",
  "Task_Created",
  "User_Mentioned_In_Post",
  "Group_Mentioned_In_Post",
] as const;

const wire = {
  id: "wire",
  source:
    "https://help.zoho.com/portal/en/kb/connect/admin-guide/outgoing-webhooks/outgoing-webhooks-triggers/articles/triggers-supported-an-overview",
  evidence: "doc",
  proofs: [],
  events: [
    trigger("Event_Created", "An event was created"),
    trigger("Status_Created", "A conversation was started"),
    trigger("Group_Created", "A group was created", { once: true }),
    trigger("Group_Deleted", "A group was deleted", { once: true }),
    trigger("Member_Added_In_Group", "A member was added to a group"),
    event("<Trigger>", "Another trigger of the webhook was set off", () => envelope(), { members: OTHERS }),
  ],
  body: {
    envelope: () => envelope,
    recognise: ({ data }) => textAt(data, ["triggerType"]),
    records: (data) => idsAt(data, ["payload", "id"]),
  },
  setup: {
    // A validation POST, whose body is not documented.
    handshake: answerProbe,
    probes: [{ contentType: "", body: Buffer.alloc(0) }],
  },
} as const satisfies Format;

function trigger<const Name extends string>(name: Name, summary: string, options = {}) {
  return event(name, summary, () => envelope().extend({ triggerType: z.literal(name) }), options);
}

/** Zoho's table of attributes says `triggerTime`, its samples `triggeredTime`. */
const envelope = lazyObject({
  payload: () => z.looseObject({ id: wireId().nullish(), name: optionalText(), url: optionalText() }),
  triggerType: requiredText,
  triggeredBy: () =>
    z.looseObject({
      // 0 to 4: a user, a bot, an anonymous user, another service of Zoho's, the system.
      type: looseId(),
      id: looseId(),
      name: optionalText(),
      emailId: optionalText(),
      url: optionalText(),
      serviceType: optionalText(),
    }),
  triggeredTime: optionalText,
  triggeredTimeInMillis: looseId,
  triggerTime: optionalText,
  triggerTimeInMillis: looseId,
  scope: () => z.looseObject({ id: wireId(), name: optionalText(), url: optionalText() }).nullish(),
});

export const connect = { id: "connect", title: "Zoho Connect", formats: [wire] } as const satisfies Product;
