import { z } from "zod";
import type { Delivery } from "../../body/delivery.ts";
import { isEmpty, type Payload } from "../../body/payload.ts";
import type { Reply } from "../../core/product.ts";
import { plainReply } from "../../core/reply.ts";

/** Makes a part when it is first asked for, once for all the fields of all the events that have one. */
function part<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A record's id: digits as text, since its up to 19 of them do not fit a JavaScript number. */
export const recordId = part(() => z.string().regex(/^\d+$/, "an id: digits, as text"));

/** `2025-01-15T10:30:00Z` or `2025-01-15T10:30:00+00:00`. */
export const dateTime = part(() => z.iso.datetime({ offset: true }));

/** `2025-01-15` */
export const calendarDate = part(() => z.iso.date());

/** A field that users may leave out or leave empty. */
export const optionalText = part(() => z.string().nullish());

/** Another record that a record points to. */
export const lookup = part(() => z.looseObject({ name: z.string().nullish(), id: recordId() }));

/** An id as the wire has it: digits as text or, up to some size, as a number. */
export const wireId = part(() => z.union([recordId(), z.number()], { error: "an id: digits, as text or number" }));

/** An id that may be empty where there is none, or of which only the type varies for certain. */
export const looseId = part(() => z.union([z.string(), z.number()], { error: "an id, as text or number" }).nullish());

/** Money, counts and rates: some of Zoho's products write them as numbers, some as text. */
export const amount = part(() => z.union([z.number(), z.string()], { error: "a number, or one as text" }).nullish());

/** Where a record can be fetched: `api` is the first part of the path, such as `crm`. */
export function resourceUri(api: string) {
  return z
    .string()
    .regex(new RegExp(`^https://[^/\\s]+/${api}/`), `a URL such as https://www.zohoapis.com/${api}/v8/…`);
}

/** The answer to a look whether anybody is there: a request by another method than POST, or an empty one. */
export function answerProbe(payload: Payload, { method }: Delivery): Reply | undefined {
  return method !== "POST" || isEmpty(payload) ? plainReply(200, "OK") : undefined;
}

/** Nearly every delivery holds one event: an app that takes the first alone is found out late. */
export function severalHint(events: unknown): string | undefined {
  return Array.isArray(events) && events.length > 1
    ? "a delivery may hold several events, as this one does: here it goes by the first, your app has to take each of them"
    : undefined;
}
