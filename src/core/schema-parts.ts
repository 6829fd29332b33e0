import { z } from "zod";

/** A record's id: digits as text, since its up to 19 of them do not fit a JavaScript number. */
export function recordId() {
  return z.string().regex(/^\d+$/, "an id: digits, as text");
}

/** `2025-01-15T10:30:00Z` or `2025-01-15T10:30:00+00:00`. */
export function dateTime() {
  return z.iso.datetime({ offset: true });
}

/** `2025-01-15` */
export function calendarDate() {
  return z.iso.date();
}

/** A field that users may leave out or leave empty. */
export function optionalText() {
  return z.string().nullish();
}

/** Another record that a record points to. */
export function lookup() {
  return z.looseObject({ name: z.string().nullish(), id: recordId() });
}

/** An id as the wire has it: digits as text or, up to some size, as a number. */
export function wireId() {
  return z.union([recordId(), z.number()], { error: "an id: digits, as text or number" });
}

/** Money, counts and rates: some of Zoho's products write them as numbers, some as text. */
export function amount() {
  return z.union([z.number(), z.string()], { error: "a number, or one as text" }).nullish();
}
