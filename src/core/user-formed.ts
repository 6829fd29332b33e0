import { z } from "zod";
import { type Delivery, headerValue, splitUrl } from "../body/delivery.ts";
import { formFields, idsAt, type Payload, valueAt } from "../body/payload.ts";
import { encodeFields } from "./edit-body.ts";
import type { AuthPlace, Encoding, FormatSettings } from "./format-settings.ts";
import { type Encoded, event, type Format, type Product, type Proof, type WebhookEvent } from "./product.ts";
import { staticAuth } from "./proofs/token.ts";

interface UserFormedParts<Name extends string, Id extends string> {
  readonly id: Id;
  readonly source: string;
  /** How the product writes it unless it is told otherwise. */
  readonly encoding: Encoding;
  /** The field of a form that holds everything as JSON, where senders are known to write it so. */
  readonly wrappedIn?: string;
  /** Beside POST. */
  readonly methods?: readonly string[];
  readonly event: { readonly name: Name; readonly summary: string };
  /** What a body must be; anything by default, since its fields are the user's own. */
  readonly schema?: () => z.ZodType;
  /** Tells such bodies without being told the product, where they have marks of their own. */
  readonly recognise?: Format["recognise"];
  readonly records?: Format["records"];
  readonly hint?: Format["hint"];
  readonly answer?: Format["answer"];
}

/**
 * A webhook whose body, content type and credentials its user designs: no envelope, no event name, no signature.
 * On the product's own URL any body is one; the user can have it carry a fixed value, which shows the sender.
 */
export function userFormed<const Name extends string, const Id extends string>(
  parts: UserFormedParts<Name, Id>,
  settings: FormatSettings = {},
): Format<readonly WebhookEvent<Name>[], Id> {
  const encoding = settings.encoding ?? parts.encoding;
  const { name, summary } = parts.event;
  const wrap = (data: unknown): unknown =>
    parts.wrappedIn === undefined || encoding !== "form" ? data : { [parts.wrappedIn]: data };
  const { schema } = settings;
  const events: readonly WebhookEvent<Name>[] = [
    schema === undefined
      ? event(name, summary, parts.schema ?? z.unknown, { open: true })
      : event(name, summary, () => schema),
  ];
  return {
    id: parts.id,
    source: parts.source,
    proofs: settings.auth === undefined ? [] : [staticAuth(settings.auth)],
    events,
    recognise: parts.recognise ?? (() => undefined),
    records: parts.records ?? idFields,
    methods: parts.methods ?? [],
    encode: (data) => encodeFields(wrap(data), encoding),
    catchAll: name,
    settings: ["encoding", "auth", "schema"],
    configure: (chosen) => userFormed(parts, { ...settings, ...chosen }),
    ...(parts.hint === undefined ? {} : { hint: parts.hint }),
    ...(parts.answer === undefined ? {} : { answer: parts.answer }),
  };
}

/** Whatever is called an id and looks like one of Zoho's: 15 to 19 digits. Never throws. */
export function idFields(data: unknown): readonly string[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [];
  return Object.entries(data).flatMap(([name, value]) =>
    /id$/i.test(name) && typeof value === "string" && /^\d{15,19}$/.test(value) ? [value] : [],
  );
}

/** Where a delivery says which event it is. */
export type EventPlace = { readonly body: readonly (string | number)[] } | EventMark;

interface OwnEvent {
  readonly name: string;
  readonly summary: string;
  /** Undefined where any body will do. */
  readonly schema: z.ZodType | undefined;
}

/** A product of the user's own, as its folder describes it. */
interface OwnProductParts {
  readonly id: string;
  readonly title: string;
  readonly folder: string;
  /** Where it is described, for a person. */
  readonly source: string;
  readonly events: readonly OwnEvent[];
  /** Undefined where there is one event only: any body is one. */
  readonly eventAt: EventPlace | undefined;
  readonly encoding: Encoding;
  /** Beside POST. */
  readonly methods: readonly string[];
  /** Where the ids of its records stand; undefined to take what is called an id and looks like one of Zoho's. */
  readonly records: readonly (readonly (string | number)[])[] | undefined;
  readonly auth: AuthPlace | undefined;
  readonly signature: Proof | undefined;
}

/** The one format of such a product. */
const FORMAT = "own";

export function ownProduct(parts: OwnProductParts): Product {
  const { id, title, folder } = parts;
  return { id, title, folder, formats: [ownFormat(parts, {})] };
}

function ownFormat(parts: OwnProductParts, settings: FormatSettings): Format {
  const { encoding = parts.encoding, auth = parts.auth } = settings;
  const { eventAt, records } = parts;
  const [only] = parts.events;
  return {
    id: FORMAT,
    source: parts.source,
    // A signature may cover the URL, in which the fixed value may stand.
    proofs: [...(auth === undefined ? [] : [staticAuth(auth)]), ...(parts.signature ? [parts.signature] : [])],
    events: parts.events.map(({ name, summary, schema }) =>
      event(name, summary, () => schema ?? z.unknown(), { open: schema === undefined }),
    ),
    recognise: (payload, delivery) => (eventAt === undefined ? undefined : nameAt(eventAt, payload, delivery)),
    records: (data) => (records === undefined ? idFields(data) : records.flatMap((path) => idsAt(data, path))),
    methods: [...parts.methods, ...(encoding === "query" ? ["GET"] : [])],
    mark: (name) => (eventAt === undefined || "body" in eventAt ? {} : markOf(eventAt, name)),
    encode: (data) => encodeFields(data, encoding),
    settings: ["encoding", "auth"],
    configure: (chosen) => ownFormat(parts, { ...settings, ...chosen }),
    ...(eventAt === undefined && only !== undefined ? { catchAll: only.name } : {}),
  };
}

function nameAt(place: EventPlace, payload: Payload, delivery: Delivery): string | undefined {
  if (!("body" in place)) return markedEvent(place, delivery);
  const value = valueAt(payload.data, place.body);
  return typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : undefined;
}

/** Where beside its body a delivery says which event it is. */
export type EventMark = { readonly header: string } | { readonly query: string };

export function markedEvent(place: EventMark, delivery: Delivery): string | undefined {
  if ("header" in place) return headerValue(delivery, place.header)?.trim() || undefined;
  const { query } = splitUrl(delivery.url);
  return query === "" ? undefined : formFields(query).find(([name]) => name === place.query)?.[1] || undefined;
}

/** What a sample carries there. */
export function markOf(place: EventMark, name: string): Pick<Encoded, "query" | "headers"> {
  if ("header" in place) return { headers: [[place.header, name]] };
  return { query: new URLSearchParams([[place.query, name]]).toString() };
}
