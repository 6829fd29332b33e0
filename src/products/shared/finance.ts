import { z } from "zod";
import type { Delivery } from "../../delivery/delivery.ts";
import { idsAt, memberCount, type Payload, valueAt } from "../../delivery/payload.ts";
import type { FormatSettings } from "../../model/format-settings.ts";
import {
  type Envelope,
  type Evidence,
  event,
  type Format,
  plainReply,
  type Reply,
  type WebhookEvent,
} from "../../model/product.ts";
import { financeSignature } from "../../signatures/finance-signature.ts";
import { staticAuth } from "../../signatures/token.ts";
import { writeJson } from "../../util/json.ts";
import { CUSTOM, type EventMark, idFields, markedEvent, markOf } from "./custom-format.ts";
import { encodeFields } from "./encode-fields.ts";
import { amount, lazyObject, looseId, optionalText, wireId } from "./schema-parts.ts";

const text = optionalText;
const id = () => wireId().nullish();
const many = () => z.array(z.looseObject({})).nullish();
const part = () => z.looseObject({}).nullish();

/** The common fields of most documents. */
const documentFields = () => ({
  status: text(),
  date: text(),
  reference_number: text(),
  customer_id: id(),
  customer_name: text(),
  currency_id: id(),
  currency_code: text(),
  exchange_rate: amount(),
  sub_total: amount(),
  tax_total: amount(),
  total: amount(),
  line_items: z
    .array(
      z.looseObject({
        line_item_id: id(),
        item_id: id(),
        name: text(),
        rate: amount(),
        quantity: amount(),
        item_total: amount(),
        tax_id: looseId(),
      }),
    )
    .nullish(),
  custom_fields: many(),
  billing_address: part(),
  shipping_address: part(),
  created_time: text(),
  last_modified_time: text(),
});

/**
 * The records that the finance products post, by the key that wraps them: the same as in a response of the product's REST API.
 * Only the members that identify a record are required.
 */
const financeEntities = {
  contact: () =>
    z.looseObject({
      contact_id: wireId(),
      contact_name: z.string(),
      company_name: text(),
      contact_type: text(),
      status: text(),
      currency_id: id(),
      currency_code: text(),
      payment_terms: amount(),
      payment_terms_label: text(),
      outstanding_receivable_amount: amount(),
      billing_address: part(),
      shipping_address: part(),
      contact_persons: many(),
      custom_fields: many(),
      created_time: text(),
      last_modified_time: text(),
    }),
  item: () =>
    z.looseObject({
      item_id: wireId(),
      name: z.string(),
      sku: text(),
      rate: amount(),
      available_stock: amount(),
      group_id: looseId(),
      attribute_name1: text(),
      attribute_option_name1: text(),
      status: text(),
    }),
  estimate: () => z.looseObject({ ...documentFields(), estimate_id: wireId(), estimate_number: text() }),
  salesorder: () =>
    z.looseObject({ ...documentFields(), salesorder_id: wireId(), salesorder_number: text(), shipment_date: text() }),
  invoice: () =>
    z.looseObject({
      ...documentFields(),
      invoice_id: wireId(),
      invoice_number: text(),
      due_date: text(),
      balance: amount(),
    }),
  purchaseorder: () => z.looseObject({ ...documentFields(), purchaseorder_id: wireId(), purchaseorder_number: text() }),
  bill: () => z.looseObject({ ...documentFields(), bill_id: wireId(), bill_number: text(), due_date: text() }),
  expense: () =>
    z.looseObject({
      expense_id: wireId(),
      date: text(),
      account_id: id(),
      account_name: text(),
      amount: amount(),
      total: amount(),
      currency_code: text(),
      customer_id: looseId(),
      status: text(),
      line_items: many(),
      created_time: text(),
    }),
  creditnote: () => z.looseObject({ ...documentFields(), creditnote_id: wireId(), creditnote_number: text() }),
  payment: () =>
    z.looseObject({
      payment_id: wireId(),
      payment_number: text(),
      customer_id: id(),
      customer_name: text(),
      amount: amount(),
      payment_mode: text(),
      reference_number: text(),
      date: text(),
      invoices: many(),
    }),
  subscription: () =>
    z.looseObject({
      subscription_id: wireId(),
      name: text(),
      status: text(),
      amount: amount(),
      currency_code: text(),
      current_term_starts_at: text(),
      current_term_ends_at: text(),
      next_billing_at: text(),
      interval: amount(),
      interval_unit: text(),
      plan: part(),
      addons: many(),
      customer: part(),
      custom_fields: many(),
    }),
};

type FinanceEntity = keyof typeof financeEntities;

/** Named in analogy to the other keys: no delivery with them is known. */
const UNCONFIRMED: ReadonlySet<FinanceEntity> = new Set(["bill", "creditnote"]);

interface FinanceParts<Entity extends FinanceEntity, Id extends string> {
  readonly id: Id;
  readonly source: string;
  readonly evidence: Evidence;
  readonly entities: readonly Entity[];
}

type RecordSchema<Entity extends FinanceEntity> = z.ZodObject<
  { [Key in Entity]: ReturnType<(typeof financeEntities)[Key]> },
  z.core.$loose
>;
/** Distributes over entities, so that each event has the type of its own record. */
type EventsOf<Entity extends FinanceEntity> = Entity extends FinanceEntity
  ? WebhookEvent<Entity, RecordSchema<Entity>> | WebhookEvent<`${Entity}.<operation>`, RecordSchema<Entity>>
  : never;

const OPERATIONS = ["created", "updated", "deleted"];
/** The event of other records, and of bodies with fields or text that the user chose. */
const OTHER = "webhook";

/** The products with the same bodies. */
const TWINS = ["books", "inventory", "invoice", "expense", "procurement", "spend", "subscriptions"];

/**
 * A workflow rule of a finance product posts the whole record, `{"invoice": {…}}`, by POST, PUT or DELETE. The body names no
 * event; users can add it to the URL or a header.
 */
export function financeFormat<const Entity extends FinanceEntity, const Id extends string>(
  parts: FinanceParts<Entity, Id>,
  settings: FormatSettings = {},
): Format<readonly (EventsOf<Entity> | WebhookEvent<typeof OTHER>)[], Id> {
  const { event: place = { query: "event" }, auth } = settings;
  const { id, source, evidence, entities } = parts;
  const eventsOf = (entity: Entity) => {
    // The compiler does not infer computed keys.
    const schema = () => z.looseObject({ [entity]: financeEntities[entity]() }) as unknown as RecordSchema<Entity>;
    const noun = withArticle(entity);
    const doubt = UNCONFIRMED.has(entity) ? " (key not confirmed)" : "";
    return [
      event(entity, `The record of ${noun}; Zoho does not say what happened${doubt}`, schema),
      event(`${entity}.<operation>` as const, `What happened to ${noun}, from ?event= or a header${doubt}`, schema, {
        members: OPERATIONS,
      }),
    ];
  };
  return {
    id,
    source,
    evidence,
    // Some users add a fixed header instead of a signature.
    proofs: [auth === undefined ? financeSignature : staticAuth(auth)],
    events: [
      ...(entities.flatMap(eventsOf) as unknown as readonly EventsOf<Entity>[]),
      event(OTHER, "A user-defined body, or another record", z.unknown, CUSTOM),
    ],
    body: {
      twins: TWINS,
      envelope(data) {
        const entity = wrapperIn(data, entities);
        return entity === undefined || namesEvent(data) ? undefined : entityEnvelope(entity);
      },
      layout: "wrapped",
      recognise({ data, text }, delivery) {
        const wrapper = wrapperIn(data, entities);
        if (wrapper === undefined || namesEvent(data)) return undefined;
        const entity =
          entities.find((each) => Object.hasOwn(Object(valueAt(data, [each])), `${each}_id`)) ??
          // The fields of a form are the user's choice, whatever their names.
          (text !== undefined && memberCount(data) === 1 ? wrapper : undefined);
        if (entity === undefined) return undefined;
        const operation = operationOf(delivery, entity, place);
        return operation === undefined ? entity : `${entity}.${operation}`;
      },
      records(data, name) {
        const [entity = ""] = name === OTHER ? firstName(data) : name.split(".", 1);
        const ids = idsAt(data, [entity, `${entity}_id`]);
        return name === OTHER && ids.length === 0 ? idFields(data) : ids;
      },
      customEvent: OTHER,
    },
    setup: {
      handshake: answerEmptyCall,
      settings: ["event", "auth"],
      configure: (chosen) => financeFormat(parts, chosen),
    },
    sender: {
      methods: ["PUT", "DELETE"],
      mark: (name) => (name.includes(".") && !name.includes("<") ? markOf(place, name) : {}),
      encode(data, name) {
        if (name === OTHER) return encodeFields(data, "form");
        return { contentType: "application/json", body: Buffer.from(writeJson(data)) };
      },
      hint: (_payload, name) =>
        name === OTHER || name.includes(".")
          ? undefined
          : `the body does not say what happened to ${withArticle(name)}: add ${placeText(place, name)}`,
    },
  };
}

function wrapperIn<Entity extends FinanceEntity>(data: unknown, entities: readonly Entity[]): Entity | undefined {
  return typeof data === "object" && data !== null ? entities.find((each) => Object.hasOwn(data, each)) : undefined;
}

/** Other envelopes have such records beside the event, even where it is null. */
function namesEvent(data: unknown): boolean {
  return ["event", "event_type"].some((key) => Object.hasOwn(Object(data), key));
}

const entityEnvelopes = new Map<FinanceEntity, Envelope>();

function entityEnvelope(entity: FinanceEntity): Envelope {
  const envelope =
    entityEnvelopes.get(entity) ?? lazyObject({ [entity]: () => z.looseObject({ [`${entity}_id`]: wireId() }) });
  entityEnvelopes.set(entity, envelope);
  return envelope;
}

function placeText(place: EventMark, name: string): string {
  if ("header" in place) return `the header ${place.header}: ${name}.created (.updated, .deleted) to the webhook`;
  return `?${place.query}=${name}.created (.updated, .deleted) to the URL of the webhook's rule`;
}

/** Lists no names of a text or a list, which may have half a million. */
function firstName(data: unknown): readonly string[] {
  return typeof data === "object" && data !== null && !Array.isArray(data) ? Object.keys(data).slice(0, 1) : [];
}

/** Before the first record a set-up call is sent with nothing but an empty `payload`. */
function answerEmptyCall(payload: Payload): Reply | undefined {
  const { data } = payload;
  if (typeof data !== "object" || memberCount(data) !== 1) return undefined;
  return valueAt(data, ["payload"]) === "" ? plainReply(200, "OK") : undefined;
}

function withArticle(entity: string): string {
  return `${/^[aeiou]/.test(entity) ? "an" : "a"} ${WORDS[entity] ?? entity}`;
}

const WORDS: Readonly<Record<string, string>> = {
  salesorder: "sales order",
  purchaseorder: "purchase order",
  creditnote: "credit note",
  payment: "customer payment",
};

/** Places to which users add the operation, in order of precedence. */
const PLACES: readonly EventMark[] = [
  ...["event", "event_type", "action", "operation", "trigger"].map((query) => ({ query })),
  ...["x-zoho-event", "x-event", "x-event-type", "x-webhook-event"].map((header) => ({ header })),
];

/** Words for the three operations that trigger a workflow rule. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ...["add", "added", "create", "insert", "new"].map((word) => [word, "created"] as const),
  ...["edit", "edited", "update", "modified"].map((word) => [word, "updated"] as const),
  ...["delete", "remove", "removed"].map((word) => [word, "deleted"] as const),
]);

/**
 * The operation in the URL or a header: `created` for each of `?event=invoice_created`, `?action=add` and
 * `x-event: invoice.create`. Other words are returned unchanged. The configured place takes precedence.
 */
function operationOf(delivery: Delivery, entity: string, chosen?: EventMark): string | undefined {
  for (const place of chosen === undefined ? PLACES : [chosen, ...PLACES]) {
    const text = markedEvent(place, delivery);
    const word = text?.trim().replace(new RegExp(`^${entity}s?[._:/-]?`, "i"), "");
    if (word !== undefined && /^[a-z][a-z0-9_]*$/i.test(word)) return SYNONYMS.get(word.toLowerCase()) ?? word;
  }
  return undefined;
}
