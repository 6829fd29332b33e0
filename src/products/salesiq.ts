import { z } from "zod";
import type { Delivery } from "../delivery/delivery.ts";
import { idsAt, type Payload, textAt, valueAt } from "../delivery/payload.ts";
import { event, type Format, type Probe, type Product, plainReply, type Reply } from "../model/product.ts";
import { rsaSignature } from "../signatures/rsa-signature.ts";
import { lazyObject, looseId, optionalText, requiredText, wireId } from "./shared/schema-parts.ts";

const HEAD: Probe = { method: "HEAD", contentType: "", body: Buffer.alloc(0) };

/** SalesIQ expects 200 for the HEAD request with which it checks a URL. */
function answerHead(_payload: Payload, { method }: Delivery): Reply | undefined {
  return method === "HEAD" ? plainReply(200, "") : undefined;
}

/**
 * The public key comes from Zoho's API; while keys are changed two may be valid.
 * https://www.zoho.com/salesiq/help/developer-section/workflows-actions-webhooks.html
 */
const salesiqSignature = rsaSignature({ id: "salesiq-signature", header: "x-siqsignature" });

const once = { once: true };
const conversation = <const Name extends string>(name: Name, summary: string, options = {}) =>
  event(name, summary, () => envelope(name, "conversation"), options);
const department = <const Name extends string>(name: Name, summary: string, options = {}) =>
  event(name, summary, () => envelope(name, "department"), options);

const wire = {
  id: "wire",
  source: "https://www.zoho.com/salesiq/help/webhook-events-conversation.html",
  evidence: "doc",
  proofs: [salesiqSignature],
  events: [
    conversation("conversation.created", "A visitor began a conversation", once),
    conversation("conversation.attender.updated", "The operator who attends a conversation changed"),
    conversation("conversation.missed", "No operator attended a conversation"),
    conversation("conversation.operator.replied", "An operator replied in a conversation"),
    conversation("conversation.visitor.replied", "A visitor replied in a conversation"),
    conversation("conversation.completed", "A conversation ended"),
    conversation("conversation.rated", "A visitor rated a conversation"),
    conversation("conversation.transfer.initiated", "The transfer of a conversation to another operator was started"),
    conversation("conversation.transfer.accepted", "An operator took over a conversation"),
    conversation("conversation.transfer.rejected", "An operator declined to take over a conversation"),
    conversation("conversation.participants.added", "Someone was added to a conversation"),
    conversation("conversation.participants.deleted", "Someone was removed from a conversation"),
    conversation("conversation.supervisor.added", "A supervisor joined a conversation"),
    conversation("conversation.message.edited", "A message of a conversation was edited"),
    conversation("conversation.message.deleted", "A message of a conversation was deleted"),
    department("department.created", "A department was created", once),
    department("department.updated", "A department was updated"),
    department("department.deleted", "A department was deleted", once),
  ],
  body: {
    recognise: ({ data }) => textAt(data, ["event"]),
    envelope: () => base,
    records: (data) => idsAt(data, ["entity_id"]),
    // A repeated delivery differs from the first in `attempt` alone.
    identity: (data) => JSON.stringify({ ...Object(data), attempt: undefined }),
  },
  setup: {
    handshake: answerHead,
    probes: [{ ...HEAD, when: "when the URL of a webhook is changed" }],
  },
  sender: {
    methods: ["HEAD"],
    answer: { withinMs: 5000 },
  },
} as const satisfies Format;

function envelope<const Name extends string>(name: Name, about: "conversation" | "department") {
  return base().extend({ entity_type: z.literal(about), event: z.literal(name) });
}

const base = lazyObject({
  entity_type: requiredText,
  entity_id: wireId,
  event: requiredText,
  org_id: wireId,
  app_id: () => wireId().nullish(),
  attempt: () => z.number().nullish(),
  version: () => z.union([z.string(), z.number()]).nullish(),
  entity: () =>
    z.looseObject({
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

const open = { open: true };

/** A chat bot that answers through a webhook: the response to the request is what the bot says. */
const zobot = {
  id: "zobot",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/salesiq/help/developer-section/zobot-webhook-authentication-2.0.html",
  evidence: "seen",
  proofs: [salesiqSignature],
  events: [
    event("zobot.trigger", "A visitor opened the chat with a bot", callOf("trigger"), open),
    event("zobot.message", "A visitor wrote to a bot", callOf("message"), open),
    event("zobot.context", "A visitor answered a question of a bot", callOf("context"), open),
    event("zobot.failure", "A bot reported that a response had failed", callOf("failure"), open),
  ],
  body: {
    recognise({ data }) {
      const handler = textAt(data, ["handler"]);
      const visitor = typeof valueAt(data, ["visitor"]) === "object" || textAt(data, ["operation"]) !== undefined;
      return handler !== undefined && visitor ? `zobot.${handler}` : undefined;
    },
    envelope: () => call,
    // The id of the conversation is not documented.
    records: () => [],
  },
  setup: {
    handshake: answerHead,
    probes: [{ ...HEAD, when: "where the URL does not answer a ping" }],
  },
  sender: {
    methods: ["HEAD"],
    // Older copies of the page say 10 s, at which a bot that Zoho has given up on would pass.
    answer: { withinMs: 5_000, json: { key: "action", example: '{"action":"reply","replies":[…]}' } },
    hint: () =>
      'a bot expects JSON such as {"action":"reply","replies":[…]}, and listen responds with a plain OK: use --respond mirror to return your app\'s response',
  },
} as const satisfies Format;

function callOf<const Handler extends string>(handler: Handler) {
  return () => call().extend({ handler: z.literal(handler) });
}

const call = lazyObject({
  handler: requiredText,
  operation: optionalText,
  visitor: () => z.looseObject({}).nullish(),
  message: () => z.unknown().optional(),
  context: () => z.unknown().optional(),
  form_data: () => z.unknown().optional(),
  form_name: optionalText,
  failed_response: () => z.unknown().optional(),
});

export const salesiq = { id: "salesiq", title: "Zoho SalesIQ", formats: [wire, zobot] } as const satisfies Product;
