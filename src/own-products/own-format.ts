import { z } from "zod";
import type { Delivery } from "../delivery/delivery.ts";
import { idsAt, type Payload, valueAt } from "../delivery/payload.ts";
import type { AuthPlace, Encoding, FormatSettings } from "../model/format-settings.ts";
import { event, type Format, type Product, type Proof } from "../model/product.ts";
import { CUSTOM, type EventMark, idFields, markedEvent, markOf } from "../products/shared/custom-format.ts";
import { encodeFields } from "../products/shared/encode-fields.ts";
import { staticAuth } from "../signatures/token.ts";

/** Place of the event's name in a delivery. */
export type EventPlace = { readonly body: readonly (string | number)[] } | EventMark;

interface CustomEvent {
  readonly name: string;
  readonly summary: string;
  /** Undefined for any body. */
  readonly schema: z.ZodType | undefined;
}

/** A user-defined product, as its folder describes it. */
interface CustomProductParts {
  readonly id: string;
  readonly title: string;
  readonly folder: string;
  /** The path of its description. */
  readonly source: string;
  readonly events: readonly CustomEvent[];
  /** Undefined for a single event, which any body is. */
  readonly eventAt: EventPlace | undefined;
  readonly encoding: Encoding;
  /** Beside POST. */
  readonly methods: readonly string[];
  /** Paths of record ids; `idFields` by default. */
  readonly records: readonly (readonly (string | number)[])[] | undefined;
  readonly auth: AuthPlace | undefined;
  readonly signature: Proof | undefined;
}

export function customProduct(parts: CustomProductParts): Product {
  const { id, title, folder } = parts;
  return { id, title, folder, formats: [productFormat(parts, {})] };
}

function productFormat(parts: CustomProductParts, settings: FormatSettings): Format {
  const { encoding = parts.encoding, auth = parts.auth } = settings;
  const { eventAt, records } = parts;
  const [only] = parts.events;
  return {
    id: "own",
    source: parts.source,
    // The signature comes last: it may cover the URL with the fixed value.
    proofs: [...(auth === undefined ? [] : [staticAuth(auth)]), ...(parts.signature ? [parts.signature] : [])],
    events: parts.events.map(({ name, summary, schema }) =>
      event(name, summary, () => schema ?? z.unknown(), schema === undefined ? CUSTOM : {}),
    ),
    body: {
      recognise: (payload, delivery) => (eventAt === undefined ? undefined : nameAt(eventAt, payload, delivery)),
      records: (data) => (records === undefined ? idFields(data) : records.flatMap((path) => idsAt(data, path))),
      ...(eventAt === undefined && only !== undefined ? { customEvent: only.name } : {}),
    },
    setup: {
      settings: ["encoding", "auth"],
      configure: (chosen) => productFormat(parts, { ...settings, ...chosen }),
    },
    sender: {
      methods: [...parts.methods, ...(encoding === "query" ? ["GET"] : [])],
      mark: (name) => (eventAt === undefined || "body" in eventAt ? {} : markOf(eventAt, name)),
      encode: (data) => encodeFields(data, encoding),
    },
  };
}

function nameAt(place: EventPlace, payload: Payload, delivery: Delivery): string | undefined {
  if (!("body" in place)) return markedEvent(place, delivery);
  const value = valueAt(payload.data, place.body);
  return typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : undefined;
}
