import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { textAt } from "../../core/field.ts";
import type { Format } from "../../core/product.ts";
import { valueAt } from "../../core/schema-check.ts";
import { optionalText } from "../shared/schema-parts.ts";
import { answerHead, HEAD } from "./probe.ts";
import { salesiqSignature } from "./signature.ts";

const open = { open: true };

/** A chat bot whose answers come from a webhook: the answer to the request is what the bot says. */
export const zobot = {
  id: "zobot",
  source: "https://www.zoho.com/salesiq/help/developer-section/zobot-webhook-authentication-2.0.html",
  methods: ["HEAD"],
  answer: { withinMs: 10_000, reads: { key: "action", example: '{"action":"reply","replies":[…]}' } },
  proofs: [salesiqSignature],
  events: [
    event("zobot.trigger", "A visitor opened the chat with a bot", () => call("trigger"), open),
    event("zobot.message", "A visitor wrote to a bot", () => call("message"), open),
    event("zobot.context", "A visitor answered a question of a bot", () => call("context"), open),
  ],
  recognise({ data }) {
    const handler = textAt(data, ["handler"]);
    const visitor = typeof valueAt(data, ["visitor"]) === "object" || textAt(data, ["operation"]) !== undefined;
    return handler !== undefined && visitor ? `zobot.${handler}` : undefined;
  },
  // What names the conversation is not documented.
  records: () => [],
  handshake: answerHead,
  probes: [HEAD],
  hint: () =>
    'a bot reads JSON such as {"action":"reply","replies":[…]}: listen answers a plain OK, and passes on your app\'s with --respond mirror',
} as const satisfies Format;

function call<const Handler extends string>(handler: Handler) {
  return z.looseObject({
    handler: z.literal(handler),
    operation: optionalText(),
    visitor: z.looseObject({}).nullish(),
    message: z.unknown().optional(),
    context: z.unknown().optional(),
    form_data: z.unknown().optional(),
    form_name: optionalText(),
  });
}
