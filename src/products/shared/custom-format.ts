import { z } from "zod";
import { type Delivery, headerValue, splitUrl } from "../../delivery/delivery.ts";
import { formFields } from "../../delivery/payload.ts";
import type { Encoding, FormatSettings } from "../../model/format-settings.ts";
import {
  type Body,
  type Encoded,
  type Evidence,
  event,
  type Format,
  type Proof,
  type Sender,
  type WebhookEvent,
} from "../../model/product.ts";
import { staticAuth } from "../../signatures/token.ts";
import { encodeFields } from "./encode-fields.ts";

/** Options of an event whose body the user designs. */
export const CUSTOM = { open: true, custom: true } as const;

interface CustomFormatParts<Name extends string, Id extends string> {
  readonly id: Id;
  readonly source: string;
  readonly evidence: Evidence;
  /** The product's default. */
  readonly encoding: Encoding;
  /** The form field that holds everything as JSON, for senders known to do so. */
  readonly wrappedIn?: string;
  /** Beside POST. */
  readonly methods?: readonly string[];
  readonly event: { readonly name: Name; readonly summary: string };
  /** Recognises such bodies without a product named, where they have distinctive keys. */
  readonly recognise?: Body["recognise"];
  readonly records?: Body["records"];
  readonly answer?: Sender["answer"];
  /** For the few senders that can sign; a fixed value takes its place. */
  readonly signature?: Proof;
}

/**
 * A webhook whose body, content type and credentials a user designs: no envelope, no event name, seldom a signature.
 * On the product's own URL any body is one; a fixed value in it can prove the sender.
 */
export function customFormat<const Name extends string, const Id extends string>(
  parts: CustomFormatParts<Name, Id>,
  settings: FormatSettings = {},
): Format<readonly WebhookEvent<Name>[], Id> {
  const encoding = settings.encoding ?? parts.encoding;
  const { name, summary } = parts.event;
  const wrap = (data: unknown): unknown =>
    parts.wrappedIn === undefined || encoding !== "form" ? data : { [parts.wrappedIn]: data };
  const { schema } = settings;
  const proof = settings.auth === undefined ? parts.signature : staticAuth(settings.auth);
  const events: readonly WebhookEvent<Name>[] = [
    schema === undefined ? event(name, summary, z.unknown, CUSTOM) : event(name, summary, () => schema),
  ];
  return {
    id: parts.id,
    source: parts.source,
    evidence: parts.evidence,
    proofs: proof === undefined ? [] : [proof],
    events,
    body: {
      recognise: parts.recognise ?? (() => undefined),
      records: parts.records ?? idFields,
      customEvent: name,
    },
    setup: {
      settings: ["encoding", "auth", "schema"],
      configure: (chosen) => customFormat(parts, { ...settings, ...chosen }),
    },
    sender: {
      methods: parts.methods ?? [],
      encode: (data) => encodeFields(wrap(data), encoding),
      ...(parts.answer === undefined ? {} : { answer: parts.answer }),
    },
  };
}

/** Fields named `…id` with 15 to 19 digits, as Zoho's ids have. Never throws. */
export function idFields(data: unknown): readonly string[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [];
  return Object.keys(data).flatMap((name) => {
    const value: unknown = /id$/i.test(name) ? Reflect.get(data, name) : undefined;
    return typeof value === "string" && /^\d{15,19}$/.test(value) ? [value] : [];
  });
}

/** Place of the event's name outside of the body. */
export type EventMark = { readonly header: string } | { readonly query: string };

export function markedEvent(place: EventMark, delivery: Delivery): string | undefined {
  if ("header" in place) return headerValue(delivery, place.header)?.trim() || undefined;
  const { query } = splitUrl(delivery.url);
  return query === "" ? undefined : formFields(query).find(([name]) => name === place.query)?.[1] || undefined;
}

/** The headers or query that name the event of a sample. */
export function markOf(place: EventMark, name: string): Pick<Encoded, "query" | "headers"> {
  if ("header" in place) return { headers: [[place.header, name]] };
  return { query: new URLSearchParams([[place.query, name]]).toString() };
}
