import type { Payload, PayloadProblem } from "../delivery/payload.ts";
import { GUIDE_FORMAT, type Reply, type Verdict } from "./product.ts";
import type { SchemaResult } from "./schema.ts";

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
  /** Two deliveries of the same identity are one event, delivered twice. */
  readonly identity: string | undefined;
  /** See `Sender.hint`. */
  readonly hint: string | undefined;
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
  identity: undefined,
  hint: undefined,
};

/** Whether a body does not match its schema, cannot be read, or is no known event. */
export function isInvalid({ problem, schema, payload, known, handshake }: Receipt): boolean {
  if (problem !== undefined || schema?.ok === false) return true;
  // A request that was rejected for its path or method has no payload.
  return payload !== undefined && !known && handshake === undefined;
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

/** What a body is closest to, where no format claims it. */
export interface Nearest {
  readonly product: string;
  readonly format: string;
  /** The likeliest events, best first. For a custom body the name that it gives itself; else no value of the body. */
  readonly events: readonly string[];
  /** Required members that it lacks: `notifications.operation_type`. */
  readonly missing: readonly string[];
}

/** `desk Ticket.Create (orgId is missing)` */
export function nearestText({ product, format, events, missing }: Nearest): string {
  const lacks = missing.length === 0 ? "" : ` (${missingText(missing)})`;
  return `${product} ${events.length === 0 ? `in the format ${format}` : events.join(" or ")}${lacks}`;
}

/** What a custom body could have been meant as: `as the guide's item_created: organization_id is missing (--format guide)`. */
function likenessText({ format, events, missing }: Nearest): string {
  const owner = format === GUIDE_FORMAT ? "the guide's" : "Zoho's own";
  const what = events.length === 0 ? "body" : events.join(" or ");
  const lacks = missing.length === 0 ? "" : `: ${missingText(missing)}`;
  return `as ${owner} ${what}${lacks} (--format ${format})`;
}

function missingText(missing: readonly string[]): string {
  return `${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} missing`;
}
