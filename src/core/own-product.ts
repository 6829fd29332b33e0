import { z } from "zod";
import { event } from "./declare-event.ts";
import type { Delivery } from "./delivery.ts";
import { encodeFields } from "./encode-fields.ts";
import { type EventMark, markedEvent, markOf } from "./event-place.ts";
import { idsAt } from "./field.ts";
import type { AuthPlace, Encoding, FormatSettings } from "./format-settings.ts";
import type { Payload } from "./payload.ts";
import type { Format, Product, Proof } from "./product.ts";
import { staticAuth } from "./proofs/static-auth.ts";
import { valueAt } from "./schema-check.ts";
import { idFields } from "./user-formed.ts";

/** Where a delivery says which event it is. */
export type EventPlace = { readonly body: readonly (string | number)[] } | EventMark;

interface OwnEvent {
  readonly name: string;
  readonly summary: string;
  /** Undefined where any body will do. */
  readonly schema: z.ZodType | undefined;
}

/** A product of the user's own, as its folder describes it. */
export interface OwnProductParts {
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
