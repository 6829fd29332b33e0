import { createHash } from "node:crypto";
import { isBareChallenge } from "../contract/challenge.ts";
import { acceptsMethod, type Limits, type Product, type Reply, type Verdict } from "../contract/product.ts";
import type { SchemaResult } from "../contract/schema.ts";
import { type Delivery, splitUrl } from "../delivery/delivery.ts";
import { secretFieldNames } from "../delivery/mask.ts";
import { isEmpty, type Payload, type PayloadProblem, readPayload } from "../delivery/payload.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { has } from "../proofs/verdict.ts";
import { authenticate, isCustomBody, proofVerifier } from "./authenticate.ts";
import {
  customHint,
  headerHint,
  mergeFieldHint,
  nearestEvents,
  otherEnvelope,
  otherFormatHint,
  otherProductHint,
} from "./hints.ts";
import { checkReading, hasCustomSchema, type Incoming, type Reading } from "./reading.ts";
import { likenessText, type Nearest, nearestText, recognise, recogniseAny } from "./recognise.ts";

/** Everything that one delivery shows by itself. Whether it repeats an earlier one is not known here. */
export interface Receipt {
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The name the delivery gave itself, in its right case; also when no such event is known. */
  readonly event: string | undefined;
  /** False when product and format are recognised, but the event is none of theirs. */
  readonly known: boolean;
  /** Known events near to an unknown one. */
  readonly suggestions: readonly string[];
  /** The user designed the body: there is no schema for it. */
  readonly custom: boolean;
  /** Other products and events that the same body could be, where no product was named: `bigin Contacts.create`. */
  readonly ambiguousWith: readonly string[];
  /** The event that an unrecognised body is closest to, or that a custom one could have been meant as. */
  readonly nearest: Nearest | undefined;
  readonly payload: Payload | undefined;
  readonly problem: PayloadProblem | undefined;
  readonly handshake: Reply | undefined;
  readonly verdicts: readonly Verdict[];
  /**
   * Undefined when no schema was checked: unreadable, unrecognised, custom, schemas turned off, or a user's own schema
   * where a proof failed.
   */
  readonly schema: SchemaResult | undefined;
  readonly records: readonly string[];
  /** It is about several independent records. */
  readonly batch: boolean;
  /** Two deliveries of the same identity are one event, delivered twice. */
  readonly identity: string | undefined;
  /** See `Format.hint`. */
  readonly hint: string | undefined;
}

interface ReceiveInput {
  readonly products: readonly Product[];
  /** The product that the URL or a flag names; undefined to recognise it by the body. */
  readonly product?: Product | undefined;
  /** The event that a flag names; undefined to recognise it by the body. */
  readonly event?: string | undefined;
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  /** Schemas are checked unless this is false. */
  readonly schemas?: boolean;
  /** Whether users' own schemas are checked, which may take long. Default: only where no proof has failed. */
  readonly customSchemas?: boolean | undefined;
  readonly limits?: Limits | undefined;
}

/** The receipt of a request about which nothing is known. */
export const emptyReceipt: Receipt = {
  product: undefined,
  format: undefined,
  event: undefined,
  known: false,
  suggestions: [],
  custom: false,
  ambiguousWith: [],
  nearest: undefined,
  payload: undefined,
  problem: undefined,
  handshake: undefined,
  verdicts: [],
  schema: undefined,
  records: [],
  batch: false,
  identity: undefined,
  hint: undefined,
};

/** Recognises a delivery, verifies its proofs and checks its schema. Pure: the same input gives the same receipt. */
export function receive(input: ReceiveInput): Receipt {
  const { products, product: named, event: namedEvent, delivery } = input;
  const read = readPayload(delivery);
  if (!read.ok) return { ...emptyReceipt, product: named?.id, problem: read.problem };
  const { payload } = read;
  const verdictsOf = proofVerifier(input, payload);
  const incoming: Incoming = { products, product: named, event: namedEvent, delivery, payload, verdictsOf };
  const candidates = named === undefined ? products : [named];
  const { found, ambiguousWith, nearest } = recognise(incoming);
  // A known event is never taken for a challenge, whatever fields it has: it would be lost, and its proofs not checked.
  if (found?.match === undefined || isBareChallenge(payload)) {
    const handshake = findHandshake(candidates, payload, delivery);
    if (handshake !== undefined) return { ...emptyReceipt, product: named?.id, payload, handshake };
  }
  if (found === undefined) {
    const receipt = named === undefined ? { ...emptyReceipt, payload } : unrecognised(incoming, named);
    return { ...receipt, nearest };
  }
  const { product, format, name: event, match } = found;
  const records = format.records(payload.data, event ?? "");
  const verdicts = authenticate(incoming, product, found);
  return {
    ...emptyReceipt,
    product: product.id,
    format: format.id,
    event,
    known: match !== undefined,
    suggestions: match !== undefined || event === undefined ? [] : nearestEvents(product, format, event),
    custom: match?.event.custom === true,
    ambiguousWith: [...new Set(ambiguousWith.map((each) => `${each.product.id} ${each.name}`))],
    nearest,
    payload,
    verdicts,
    schema: isSchemaChecked(input, found, verdicts) ? checkReading(found, secretFieldNames(verdicts)) : undefined,
    records,
    batch: format.batches === true && new Set(records).size > 1,
    identity:
      event === undefined
        ? undefined
        : identityOf(
            [product.id, event, ...records],
            format.identity?.(payload.data, event) ??
              (match?.event.once === true && records.length > 0 ? undefined : delivery),
          ),
    hint:
      match === undefined || event === undefined
        ? (otherEnvelope(product, event) ?? lookAlikeHint(incoming))
        : (allHints(unsignedHint(found, verdicts, delivery), mergeFieldHint(payload, secretFieldNames(verdicts))) ??
          format.hint?.(payload, event)),
  };
}

/** Whether a body does not match its schema, cannot be read, or is no known event. */
export function isInvalid({ problem, schema, payload, known, handshake }: Receipt): boolean {
  if (problem !== undefined || schema?.ok === false) return true;
  // A request that was rejected for its path or method has no payload.
  return payload !== undefined && !known && handshake === undefined;
}

function isSchemaChecked(
  { schemas = true, customSchemas }: ReceiveInput,
  found: Reading,
  verdicts: readonly Verdict[],
): boolean {
  return schemas && (!hasCustomSchema(found) || (customSchemas ?? !has("failed", verdicts)));
}

function findHandshake(products: readonly Product[], payload: Payload, delivery: Delivery): Reply | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const isNamed = products.length === 1 || format.offeredSecret?.(delivery) !== undefined;
      if (!isNamed && isAmbiguous(payload, delivery)) continue;
      const reply = format.handshake?.(payload, delivery);
      if (reply !== undefined) return reply;
    }
  }
  return undefined;
}

/** Without a product named, parameters may be some product's event, and an empty POST points to no product. */
function isAmbiguous(payload: Payload, { method }: Delivery): boolean {
  return payload.kind === "query" || (method === "POST" && isEmpty(payload));
}

/** A body that is no event of the product in its URL: its proofs are still required, so that nothing passes unsigned. */
function unrecognised(incoming: Incoming, product: Product): Receipt {
  const { delivery, payload } = incoming;
  const verdicts = authenticate(incoming, product, undefined);
  const hint =
    lookAlikeHint(incoming) ??
    allHints(
      (has("failed", verdicts) ? customHint(product, delivery.method) : undefined) ?? headerHint(product),
      mergeFieldHint(payload, secretFieldNames(verdicts)),
    );
  return { ...emptyReceipt, product: product.id, payload, verdicts, hint };
}

/** Of several, or undefined: what is wrong with the sender says nothing about the body. */
function allHints(...hints: readonly (string | undefined)[]): string | undefined {
  return hints.filter((hint) => hint !== undefined).join("; ") || undefined;
}

/** For a custom body that is refused because nothing signs it. */
function unsignedHint(found: Reading, verdicts: readonly Verdict[], { method }: Delivery): string | undefined {
  return isCustomBody(found) && has("failed", verdicts) ? customHint(found.product, method) : undefined;
}

/** For a body that the named product has no event for: its URL was pasted into the wrong place. */
function lookAlikeHint(incoming: Incoming): string | undefined {
  const { product, event } = incoming;
  if (product === undefined || event !== undefined) return undefined;
  const other = recogniseAny(incoming);
  // Twins look alike wherever they are posted to.
  if (other === undefined || product.formats.some(({ twins }) => twins?.includes(other.product.id))) return undefined;
  // It can be the same product only where the caller restricted it to one format.
  return other.product.id === product.id ? otherFormatHint(other) : otherProductHint(other);
}

/** Longer lists of ids are hashed: identities are keys in the log's index, and in an app's Redis. */
const MAX_IDENTITY_LENGTH = 500;

/** Joins what names an event with a hash of what its deliveries have in common. */
export function identityOf(parts: readonly string[], rest: string | Delivery | undefined): string {
  const text = parts.join(":");
  const name = text.length <= MAX_IDENTITY_LENGTH ? text : createHash("sha256").update(text).digest("hex").slice(0, 32);
  if (rest === undefined) return name;
  const hash = createHash("sha256");
  if (typeof rest === "string") hash.update(rest);
  else {
    hash.update(rest.body);
    // Custom webhooks may have everything in the URL.
    const { query } = splitUrl(rest.url);
    if (query !== "" || rest.method !== "POST") hash.update(`\n${rest.method} ?${query}`);
  }
  // 64 bits of the hash: enough for a day of one developer's events.
  return `${name}:${hash.digest("hex").slice(0, 16)}`;
}

/** Why a readable body is no known event; undefined for a known event or a challenge. */
export function whyUnknown(receipt: Receipt): string | undefined {
  const { product, format, event, known, suggestions, handshake, problem, nearest } = receipt;
  if (problem !== undefined || handshake !== undefined || known) return undefined;
  if (event === undefined) {
    if (format !== undefined) return `looks like ${product} (${format}), but names no event`;
    if (nearest !== undefined)
      return `${product === undefined ? "no known event" : `not an event of ${product}`}; closest: ${nearestText(nearest)}`;
    return product === undefined
      ? "no known product sends a body like this; if you know its product, add --product"
      : `not an event of ${product}`;
  }
  return `unknown event${suggestions.length > 0 ? `, nearest: ${suggestions.join(", ")}` : ""}`;
}

/** Where the URL does not tell: `could also be inventory invoice, invoice invoice`. */
export function ambiguityText({ ambiguousWith }: Receipt): string | undefined {
  return ambiguousWith.length === 0 ? undefined : `could also be ${ambiguousWith.join(", ")}`;
}

/** Describes what an unknown event or body is closest to, or a custom body like. A refusal of a body says it itself. */
export function nearestNotes(receipt: Receipt, isRefused: boolean): readonly string[] {
  const { suggestions, nearest, product, custom } = receipt;
  if (suggestions.length > 0) return [`nearest known events: ${suggestions.join(", ")}`];
  if (custom) return nearest === undefined ? [] : [likenessText(nearest)];
  return nearest === undefined || product === undefined || isRefused ? [] : [`closest: ${nearestText(nearest)}`];
}
