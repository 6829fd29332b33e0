import { z } from "zod";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { memberCount, type Payload } from "../delivery/payload.ts";
import { type EventMatch, findEvent } from "../model/event-names.ts";
import { acceptsMethod, type Envelope, type Format, type Product, type Verdict } from "../model/product.ts";
import { checkSchema, isCustomSchema, type SchemaIssue, type SchemaResult } from "../model/schema.ts";
import { countMembers, isObject, type MemberCount, NO_MEMBERS } from "./members.ts";

/** A delivery whose body could be read. */
export interface Incoming {
  readonly products: readonly Product[];
  /** The product that the URL or a flag names. */
  readonly product: Product | undefined;
  /** The event that a flag names. */
  readonly event: string | undefined;
  readonly delivery: Delivery;
  readonly payload: Payload;
  readonly verdictsOf: (product: Product, format: Format) => readonly Verdict[];
}

/** How far a body has the shape of a format, whatever event it names. */
interface Shape {
  readonly members: MemberCount;
  readonly envelope: Envelope | undefined;
  /** The body in the format's shape: taken out of a list, or put into one, where it is `misshapen`. */
  readonly data: unknown;
  readonly misshapen: boolean;
  /** The delivery has a signature that the product puts on this format only. */
  readonly isSigned: boolean;
  /** It is one record under its name, and nothing else. */
  readonly isWrapped: boolean;
}

/** A delivery as one format reads it. */
export interface Reading {
  readonly product: Product;
  readonly format: Format;
  readonly shape: Shape;
  /** The name that the delivery gives itself, in its right case where the event is known. */
  readonly name: string | undefined;
  readonly match: EventMatch | undefined;
}

/** The readings of all formats that see something of their own in a delivery. */
export function readingsOf(incoming: Incoming): readonly Reading[] {
  const { products, product: named, delivery } = incoming;
  const readings: Reading[] = [];
  for (const product of named === undefined ? products : [named]) {
    for (const format of product.formats) {
      const reading = acceptsMethod(format, delivery.method) ? readAs(incoming, product, format) : undefined;
      if (reading !== undefined) readings.push(reading);
    }
  }
  return readings;
}

/** Runs for every format of every product, so it allocates nothing where the format sees nothing of its own. */
function readAs({ event, delivery, payload }: Incoming, product: Product, format: Format): Reading | undefined {
  const { data, misshapen } = inShapeOf(format, payload.data);
  const object = eventIn(format, data);
  const envelope = payload.text === undefined || !isObject(object) ? undefined : format.body.envelope?.(object);
  const members = envelope === undefined ? NO_MEMBERS : countMembers(envelope, object);
  const isSigned = envelope !== undefined && carriesOwnSignature(product, format, delivery);
  const isWrapped = envelope !== undefined && format.body.layout === "wrapped" && memberCount(object) === 1;
  const isSeen = members.present > 0 || isSigned || isWrapped;
  // Only a format without an envelope, and with events of its own, can name one by a header or the address alone.
  const namesApart = format.body.envelope === undefined && format.body.customEvent === undefined;
  if (!isSeen && !namesApart && event === undefined) return undefined;
  const named = event ?? format.body.recognise(misshapen ? { ...payload, data } : payload, delivery);
  const found = named === undefined ? undefined : findEvent(format, named);
  // The name of a family, `<Module>.create`, is never that of a delivery.
  const match = event === undefined && found !== undefined && /[<>]/.test(found.name) ? undefined : found;
  if (event === undefined ? !isSeen && named === undefined : match === undefined) return undefined;
  const shape = { members, envelope, data, misshapen, isSigned, isWrapped };
  return { product, format, shape, name: match?.name ?? named, match };
}

export const OWN_NAME = 3;

/** The name of an event of the format says more than that of a family, which any module has, or than an unknown one. */
export function nameRank({ match, name }: Reading): number {
  if (match === undefined) return name === undefined ? 0 : 1;
  const { members } = match.event;
  return members.length === 0 || members.includes(match.member ?? "") ? OWN_NAME : 2;
}

/** Whether a delivery has a signature that the product puts on this format only, not on bodies that users design. */
function carriesOwnSignature({ formats }: Product, format: Format, delivery: Delivery): boolean {
  if (!carriesSignature(format, delivery)) return false;
  return !formats.some((each) => each.body.customEvent !== undefined && carriesSignature(each, delivery));
}

/** The reading of a body that no format claims, as one that its user designed. */
export function customReading(product: Product, format: Format, data: unknown): Reading {
  const { customEvent: name = "" } = format.body;
  const shape = {
    members: NO_MEMBERS,
    envelope: undefined,
    data,
    misshapen: false,
    isSigned: false,
    isWrapped: false,
  };
  return { product, format, shape, name, match: findEvent(format, name) };
}

/** The first event of a list. */
export function eventIn({ body }: Format, data: unknown): unknown {
  return body.layout === "list" && Array.isArray(data) ? data[0] : data;
}

function inShapeOf({ body }: Format, data: unknown): Pick<Shape, "data" | "misshapen"> {
  const isList = body.layout === "list";
  if (body.envelope === undefined || !isObject(data) || Array.isArray(data) === isList)
    return { data, misshapen: false };
  const [first]: readonly unknown[] = Array.isArray(data) ? data : [];
  if (!isList) return isObject(first) ? { data: first, misshapen: true } : { data, misshapen: false };
  return { data: [data], misshapen: true };
}

/** Whether a delivery has the header of a signature that the format's deliveries carry. */
export function carriesSignature({ proofs }: Format, delivery: Delivery): boolean {
  return proofs.some(
    ({ proves, header }) => proves === "body" && header !== undefined && headerValue(delivery, header) !== undefined,
  );
}

/** Received value of an issue where a list holds an event that comes alone. */
export const A_LIST = "a list";

const listOf = new WeakMap<Envelope, z.ZodType>();

/** Undefined where there is no schema: for a custom body, and for an unknown event in a whole envelope. */
export function checkReading(reading: Reading, secretNames?: readonly string[]): SchemaResult | undefined {
  const { format, match } = reading;
  const { envelope, data, misshapen } = reading.shape;
  if (match?.event.custom === true) return undefined;
  const isList = format.body.layout === "list";
  const schema = match?.event.schema ?? (isList && envelope !== undefined ? listSchema(envelope) : envelope?.());
  if (schema === undefined) return undefined;
  const result = checkSchema(schema, data, secretNames);
  if (misshapen) {
    const [expected, received] = isList ? ["a list of events", "an object"] : ["an object", A_LIST];
    // The path of an event that stands alone has no index.
    const issues = result.issues.map((issue) => (isList ? withoutIndex(issue) : issue));
    return { ok: false, issues: [{ path: [], at: "", expected, received }, ...issues] };
  }
  return match === undefined && result.ok ? undefined : result;
}

/** The user has written its schema. */
export function hasCustomSchema({ match }: Reading): boolean {
  return match !== undefined && isCustomSchema(match.event.schema);
}

function listSchema(envelope: Envelope): z.ZodType {
  const schema = listOf.get(envelope) ?? z.array(envelope());
  listOf.set(envelope, schema);
  return schema;
}

function withoutIndex(issue: SchemaIssue): SchemaIssue {
  return { ...issue, path: issue.path.slice(1), at: issue.at.replace(/^\[0\]\.?/, "") };
}
