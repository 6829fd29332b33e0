import { z } from "zod";
import { idsAt, textAt, valueAt } from "../delivery/payload.ts";
import type { FormatSettings } from "../model/format-settings.ts";
import { event, type Format, type Product, type WebhookEvent } from "../model/product.ts";
import { staticAuth } from "../signatures/token.ts";
import { CUSTOM, idFields } from "./shared/custom-format.ts";
import { lazyObject, recordId, severalHint } from "./shared/schema-parts.ts";

/** The documented events of Catalyst's components and of Zoho's products; there are more. */
const PUBLISHED = [
  "row_inserted",
  "row_updated",
  "row_deleted",
  "cache_item_created",
  "cache_item_updated",
  "user_signedup",
  "user_confirmed",
  "user_deleted",
  "stratus_object_uploaded",
  "stratus_object_downloaded",
  "stratus_object_updated",
  "stratus_object_deleted",
  "contact_subscribed",
  "contact_unsubscribed",
  "email_sent",
  "email_opened",
  "email_clicked",
  "email_replied",
  "email_bounced",
  "subscription_preference_updated",
  "field_updated",
  "list_updated",
  "tag_updated",
  "score_updated",
  "response_created",
  "response_completed",
  "conversation_missed",
  "project_create",
  "project_update",
  "project_delete",
  "project_archived",
  "sprint_create",
  "sprint_update",
  "sprint_delete",
  "sprint_start",
  "sprint_complete",
  "sprint_canceled",
] as const;

const envelope = lazyObject(
  {
    rule_id: recordId,
    target_id: recordId,
    version: () => z.number(),
    attempt: () => z.number(),
    account: () =>
      z.looseObject({
        org_id: recordId(),
        project: z.looseObject({ environment: z.string(), name: z.string(), id: recordId() }),
      }),
    events: () =>
      z
        .array(
          z.looseObject({
            data: z.unknown().optional(),
            id: z.string(),
            time_in_ms: recordId(),
            source: z.string(),
            event_config: z.looseObject({ api_name: z.string(), id: recordId() }),
          }),
        )
        .min(1),
  },
  ["version", "attempt", "account", "events"],
);

/** Catalyst's event bus: one or several events of Zoho's products or user-defined publishers in one envelope. */
const wire = format({});

function format({ auth }: FormatSettings): Format<readonly WebhookEvent<"<Event>" | "transformed">[], "wire"> {
  return {
    id: "wire",
    // Samples of events other than those of a data store are as a user-defined publisher would send them.
    source:
      "https://docs.catalyst.zoho.com/en/cli/v1/gen-payload-catalyst-publishers, as zcatalyst-cli writes it; what `source` says for Zoho's products is not known",
    evidence: "doc",
    proofs: auth === undefined ? [] : [staticAuth(auth)],
    events: [
      event("<Event>", "A rule forwarded an event of any publisher", envelope, { members: PUBLISHED }),
      event("transformed", "A rule sent a transformed event", z.unknown, CUSTOM),
    ],
    body: {
      customEvent: "transformed",
      envelope: () => envelope,
      recognise: ({ data }) => textAt(data, ["events", "0", "event_config", "api_name"]),
      records: (data) => eventsOf(data).flatMap((each) => idFields(valueAt(each, ["data"]))),
      // A retry has another `attempt`, and the same ids of events.
      identity(data) {
        const ids = eventsOf(data).flatMap((each) => idsAt(each, ["id"]));
        return ids.length === 0 ? undefined : ids.join("|");
      },
    },
    setup: {
      settings: ["auth"],
      configure: format,
    },
    sender: {
      hint: ({ data }) => severalHint(eventsOf(data)),
      methods: ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"],
    },
  };
}

function eventsOf(data: unknown): readonly unknown[] {
  const events = valueAt(data, ["events"]);
  return Array.isArray(events) ? events : [];
}

export const signals = { id: "signals", title: "Catalyst Signals", formats: [wire] } as const satisfies Product;
