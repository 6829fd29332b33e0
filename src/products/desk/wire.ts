import { idsAt, textAt } from "../../core/field.ts";
import type { FormatSettings } from "../../core/format-settings.ts";
import type { Format } from "../../core/product.ts";
import { answerProbe } from "../shared/empty-call.ts";
import { severalHint } from "../shared/several-events.ts";
import { deskToken } from "./desk-token.ts";
import { wireEvents } from "./wire-events.ts";

/** Each data centre signs with keys of its own, which its Desk publishes. */
const KEY_SETS = Object.fromEntries(
  [
    ["us", "zoho.com"],
    ["eu", "zoho.eu"],
    ["in", "zoho.in"],
    ["au", "zoho.com.au"],
    ["jp", "zoho.jp"],
    ["ca", "zohocloud.ca"],
    ["cn", "zoho.com.cn"],
    ["sa", "zoho.sa"],
    ["uk", "zoho.uk"],
    ["ae", "zoho.ae"],
  ].map(([centre, domain]) => [centre, `https://desk.${domain}/.well-known/jwks.json`]),
);

export const wire = format({});

function format(settings: FormatSettings) {
  return {
    id: "wire",
    source: "https://desk.zoho.com/support/WebhookDocument.do",
    proofs: [deskToken(settings)],
    events: wireEvents,
    recognise: ({ data }) => (isDelivery(data) ? textAt(data, ["0", "eventType"]) : undefined),
    records: recordsOf,
    batches: true,
    methods: ["GET", "HEAD"],
    // A webhook is created only if its URL answers 200 to a GET or, failing that, to a POST of nothing: the receiver has to
    // be there before the first event.
    handshake: answerProbe,
    probes: [
      { method: "GET", contentType: "", body: Buffer.alloc(0) },
      // As a form: what Express makes of its body is what its parser of forms makes of this.
      { contentType: "application/x-www-form-urlencoded", body: Buffer.from("{}") },
    ],
    answer: { withinMs: 5000, only200: true, removedBy: 410 },
    hint: ({ data }) => severalHint(data) ?? "X-ZDesk-JWT shows who sent a delivery, not that its body is unchanged",
    settings: ["issuer", "audience"],
    configure: format,
    keySets: KEY_SETS,
  } as const satisfies Format;
}

function isDelivery(data: unknown): boolean {
  const [first]: readonly unknown[] = Array.isArray(data) ? data : [];
  if (typeof first !== "object" || first === null) return false;
  return ["payload", "eventTime", "orgId"].filter((name) => Object.hasOwn(first, name)).length > 1;
}

function recordsOf(data: unknown): readonly string[] {
  const events: readonly unknown[] = Array.isArray(data) ? data : [];
  return events.flatMap((each) => {
    const ids = idsAt(each, ["payload", "id"]);
    return ids.length > 0 ? ids : idsAt(each, ["payload", "sessionId"]);
  });
}
