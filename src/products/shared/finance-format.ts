import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { encodeFields } from "../../core/encode-fields.ts";
import { type EventMark, markOf } from "../../core/event-place.ts";
import { writeJson } from "../../core/exact-number.ts";
import { idsAt, textAt } from "../../core/field.ts";
import type { FormatSettings } from "../../core/format-settings.ts";
import type { Payload } from "../../core/payload.ts";
import type { Format, Reply, WebhookEvent } from "../../core/product.ts";
import { financeSignature } from "../../core/proofs/finance-signature.ts";
import { staticAuth } from "../../core/proofs/static-auth.ts";
import { valueAt } from "../../core/schema-check.ts";
import { idFields } from "../../core/user-formed.ts";
import { type FinanceEntity, financeEntities } from "./finance-entities.ts";
import { operationOf } from "./finance-operation.ts";

interface FinanceParts<Entity extends FinanceEntity, Id extends string> {
  readonly id: Id;
  readonly source: string;
  readonly entities: readonly Entity[];
}

/** The record under its own name. */
type RecordSchema<Entity extends FinanceEntity> = z.ZodObject<
  { [Key in Entity]: ReturnType<(typeof financeEntities)[Key]> },
  z.core.$loose
>;
/** Each entity with its own schema, so that the types of an app tell an invoice from a bill. */
type EventsOf<Entity extends FinanceEntity> = Entity extends FinanceEntity
  ? WebhookEvent<Entity, RecordSchema<Entity>> | WebhookEvent<`${Entity}.<operation>`, RecordSchema<Entity>>
  : never;

const OPERATIONS = ["created", "updated", "deleted"];
/** A rule may post chosen fields as a form or a text of the user's own, and records of modules that nobody has listed. */
const OTHER = "webhook";

/** The products whose bodies look the same. */
const TWINS = ["books", "inventory", "invoice", "expense", "procurement", "spend", "subscriptions"];

/**
 * What a workflow rule of a finance product posts: the whole record under its own name, `{"invoice": {…}}`, by POST,
 * PUT or DELETE. The body names no event; what a user has added to the URL or a header tells created from deleted.
 */
export function financeFormat<const Entity extends FinanceEntity, const Id extends string>(
  parts: FinanceParts<Entity, Id>,
  settings: FormatSettings = {},
): Format<readonly (EventsOf<Entity> | WebhookEvent<typeof OTHER>)[], Id> {
  const { event: place = { query: "event" }, auth } = settings;
  const { id, source, entities } = parts;
  const eventsOf = (entity: Entity) => {
    // A computed key has no type of its own.
    const schema = () => z.looseObject({ [entity]: financeEntities[entity]() }) as unknown as RecordSchema<Entity>;
    const members = OPERATIONS;
    return [
      event(entity, `The record of ${article(entity)}, without a word on what happened to it`, schema),
      event(
        `${entity}.<operation>` as const,
        `What the user's own parameter says has happened to ${article(entity)}`,
        schema,
        {
          members,
        },
      ),
    ];
  };
  return {
    id,
    source,
    twins: TWINS,
    methods: ["PUT", "DELETE"],
    // Without a signature some have the sender add a fixed header.
    proofs: [auth === undefined ? financeSignature : staticAuth(auth)],
    events: [
      ...(entities.flatMap(eventsOf) as unknown as readonly EventsOf<Entity>[]),
      event(OTHER, "A body of the user's own design, or another record", z.unknown, { open: true }),
    ],
    recognise(payload, delivery) {
      const entity = entities.find((each) => idsAt(payload.data, [each, `${each}_id`]).length > 0);
      // Other envelopes hold such records, too, and say what happened.
      const named = ["event", "event_type"].some((key) => textAt(payload.data, [key]) !== undefined);
      if (entity === undefined || named) return undefined;
      const operation = operationOf(delivery, entity, place);
      return operation === undefined ? entity : `${entity}.${operation}`;
    },
    records(data, name) {
      const [entity = ""] = name === OTHER ? Object.keys(Object(data)) : name.split(".", 1);
      const ids = idsAt(data, [entity, `${entity}_id`]);
      return name === OTHER && ids.length === 0 ? idFields(data) : ids;
    },
    catchAll: OTHER,
    handshake: answerEmptyCall,
    mark: (name) => (name.includes(".") && !name.includes("<") ? markOf(place, name) : {}),
    encode(data, name) {
      if (name === OTHER) return encodeFields(data, "form");
      return { contentType: "application/json", body: Buffer.from(writeJson(data)) };
    },
    hint: (_payload, name) =>
      name === OTHER || name.includes(".")
        ? undefined
        : `the body does not say what happened to ${article(name)}: add ${placeText(place, name)}`,
    settings: ["event", "auth"],
    configure: (chosen) => financeFormat(parts, chosen),
  };
}

/** Where to add what happened, for a person. */
function placeText(place: EventMark, name: string): string {
  if ("header" in place) return `the header ${place.header}: ${name}.created (.updated, .deleted) to the webhook`;
  return `?${place.query}=${name}.created (.updated, .deleted) to the URL of the webhook's rule`;
}

/** A set-up call with an empty `payload` and nothing else comes before the first record. */
function answerEmptyCall(payload: Payload): Reply | undefined {
  const { data } = payload;
  if (typeof data !== "object" || data === null || Object.keys(data).length !== 1) return undefined;
  return valueAt(data, ["payload"]) === ""
    ? { status: 200, contentType: "text/plain; charset=utf-8", body: "OK" }
    : undefined;
}

function article(entity: string): string {
  return `${/^[aeiou]/.test(entity) ? "an" : "a"} ${WORDS[entity] ?? entity}`;
}

const WORDS: Readonly<Record<string, string>> = {
  salesorder: "sales order",
  purchaseorder: "purchase order",
  creditnote: "credit note",
  payment: "customer payment",
};
