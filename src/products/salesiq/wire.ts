import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt, textAt } from "../../core/field.ts";
import type { Format } from "../../core/product.ts";
import { valueAt } from "../../core/schema-check.ts";
import { looseId, optionalText, wireId } from "../shared/schema-parts.ts";
import { answerHead, HEAD } from "./probe.ts";
import { salesiqSignature } from "./signature.ts";

const once = { once: true };
const conversation = <const Name extends string>(name: Name, summary: string, options = {}) =>
  event(name, summary, () => envelope(name, "conversation"), options);
const department = <const Name extends string>(name: Name, summary: string, options = {}) =>
  event(name, summary, () => envelope(name, "department"), options);

export const wire = {
  id: "wire",
  source: "https://www.zoho.com/salesiq/help/webhook-events-conversation.html",
  methods: ["HEAD"],
  proofs: [salesiqSignature],
  events: [
    conversation("conversation.created", "A visitor began a conversation", once),
    conversation("conversation.attender.updated", "The operator who attends a conversation changed"),
    conversation("conversation.missed", "No operator attended a conversation"),
    conversation("conversation.operator.replied", "An operator replied in a conversation"),
    conversation("conversation.visitor.replied", "A visitor replied in a conversation"),
    conversation("conversation.completed", "A conversation ended"),
    conversation("conversation.rated", "A visitor rated a conversation"),
    conversation("conversation.transfer.initiated", "A conversation is to be handed to another operator"),
    conversation("conversation.transfer.accepted", "An operator took over a conversation"),
    conversation("conversation.transfer.rejected", "An operator refused to take over a conversation"),
    conversation("conversation.participants.added", "Someone was added to a conversation"),
    conversation("conversation.participants.deleted", "Someone was removed from a conversation"),
    conversation("conversation.supervisor.added", "A supervisor joined a conversation"),
    conversation("conversation.message.edited", "A message of a conversation was edited"),
    conversation("conversation.message.deleted", "A message of a conversation was deleted"),
    department("department.created", "A department was created", once),
    department("department.updated", "A department was updated"),
    department("department.deleted", "A department was deleted", once),
  ],
  recognise: ({ data }) =>
    textAt(data, ["entity_type"]) !== undefined && typeof valueAt(data, ["entity"]) === "object"
      ? textAt(data, ["event"])
      : undefined,
  records: (data) => idsAt(data, ["entity_id"]),
  handshake: answerHead,
  probes: [HEAD],
  answer: { withinMs: 5000 },
  // A repeated delivery differs from the first in `attempt` alone.
  identity: (data) => JSON.stringify({ ...Object(data), attempt: undefined }),
} as const satisfies Format;

function envelope<const Name extends string>(name: Name, about: "conversation" | "department") {
  return z.looseObject({
    entity_type: z.literal(about),
    entity_id: wireId(),
    event: z.literal(name),
    org_id: wireId(),
    app_id: wireId().nullish(),
    attempt: z.number().nullish(),
    version: z.union([z.string(), z.number()]).nullish(),
    entity: z.looseObject({
      id: wireId().nullish(),
      visitor_conversation_id: looseId(),
      reference_id: looseId(),
      opened_time: optionalText(),
      attended_time: optionalText(),
      end_time: optionalText(),
      missed_time: optionalText(),
      department_id: wireId().nullish(),
      owner: z.looseObject({}).nullish(),
      visitor: z.looseObject({}).nullish(),
      question: optionalText(),
      supervisors: z.array(z.unknown()).nullish(),
      participants: z.array(z.unknown()).nullish(),
      rating: z.unknown().optional(),
      feedback: optionalText(),
    }),
  });
}
