import type { Delivery } from "../../core/delivery.ts";
import { type EventMark, markedEvent } from "../../core/event-place.ts";

/** Where users put what a finance body does not say, in the order in which it is looked for. */
const PLACES: readonly EventMark[] = [
  ...["event", "event_type", "action", "operation", "trigger"].map((query) => ({ query })),
  ...["x-zoho-event", "x-event", "x-event-type", "x-webhook-event"].map((header) => ({ header })),
];

/** The words for the three things that a workflow rule can be about. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ...["add", "added", "create", "insert", "new"].map((word) => [word, "created"] as const),
  ...["edit", "edited", "update", "modified"].map((word) => [word, "updated"] as const),
  ...["delete", "remove", "removed"].map((word) => [word, "deleted"] as const),
]);

/**
 * What happened to a record, as the user has written it into the webhook's URL or a header: `created` for each of
 * `?event=invoice_created`, `?action=add` and `x-event: invoice.create`. Any other word is taken as it is. The place that
 * the user names goes before all others.
 */
export function operationOf(delivery: Delivery, entity: string, chosen?: EventMark): string | undefined {
  for (const place of chosen === undefined ? PLACES : [chosen, ...PLACES]) {
    const text = markedEvent(place, delivery);
    const word = text?.trim().replace(new RegExp(`^${entity}s?[._:/-]?`, "i"), "");
    if (word !== undefined && /^[a-z][a-z0-9_]*$/i.test(word)) return SYNONYMS.get(word.toLowerCase()) ?? word;
  }
  return undefined;
}
