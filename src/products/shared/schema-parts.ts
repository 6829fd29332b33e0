import { z } from "zod";
import type { Delivery } from "../../delivery/delivery.ts";
import { isEmpty, type Payload } from "../../delivery/payload.ts";
import { plainReply, type Reply } from "../../model/product.ts";

/** Builds a schema on first use, once for all its uses. */
export function part<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/**
 * Builds an object on first use, like its members; recognition looks at the names of all envelopes, and needs few of them.
 * `plain`: members that a body of the user's own may have as well.
 */
export function lazyObject<const Members extends Readonly<Record<string, () => z.ZodType>>>(
  members: Members,
  plain: readonly string[] = [],
) {
  const schema = part(() => {
    const built = Object.fromEntries(Object.entries(members).map(([name, make]) => [name, make()]));
    // The compiler does not infer the types of mapped entries.
    return z.looseObject(built as { -readonly [Name in keyof Members]: ReturnType<Members[Name]> });
  });
  return Object.assign(schema, { names: Object.keys(members), plain });
}

export const requiredText = part(() => z.string());

/** The id of a record: text, since up to 19 digits do not fit a JavaScript number. */
export const recordId = part(() => z.string().regex(/^\d+$/, "an id of digits, as a string"));

/** `2025-01-15T10:30:00Z` or `2025-01-15T10:30:00+00:00`. */
export const dateTime = part(() => z.iso.datetime({ offset: true }));

/** `2025-01-15` */
export const calendarDate = part(() => z.iso.date());

/** A field that may be missing or empty. */
export const optionalText = part(() => z.string().nullish());

/** A reference to another record. */
export const lookup = part(() => z.looseObject({ name: z.string().nullish(), id: recordId() }));

/** An id as Zoho's servers send it: as text or, up to some size, as a number. */
export const wireId = part(() =>
  z.union([recordId(), z.number()], { error: "an id of digits, as a string or number" }),
);

/** An id that may be missing or an empty text. */
export const looseId = part(() =>
  z.union([z.string(), z.number()], { error: "an id, as a string or number" }).nullish(),
);

/** Money, counts and rates: some of Zoho's products write them as numbers, some as text. */
export const amount = part(() => z.union([z.number(), z.string()], { error: "a number, also as a string" }).nullish());

/** The value of a field of a form. */
export const formValue = part(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())], {
    error: "a string, number, boolean, null or an array of strings",
  }),
);

/** The URL of a record, at an emulator without https; `api` is the first part of the path, such as `crm`. */
export function resourceUri(api: string) {
  return z
    .string()
    .regex(new RegExp(`^https?://[^/\\s]+/${api}/`), `a URL such as https://www.zohoapis.com/${api}/v8/…`);
}

/** Answers the request with which a sender checks a URL: not a POST, or an empty one. */
export function answerProbe(payload: Payload, { method }: Delivery): Reply | undefined {
  return method !== "POST" || (isEmpty(payload) && !Array.isArray(payload.data)) ? plainReply(200, "OK") : undefined;
}

/** Nearly every delivery has one event, so an app that reads only the first fails late. */
export function severalHint(events: unknown): string | undefined {
  return Array.isArray(events) && events.length > 1
    ? "this delivery has several events: it is listed under the first, and your app has to process all of them"
    : undefined;
}
