import { type Delivery, headerValue, splitUrl } from "./delivery.ts";
import type { OperationPlace } from "./format-settings.ts";

/** Where users put what a finance body does not say, in the order in which it is looked for. */
const QUERY_KEYS = ["event", "event_type", "action", "operation", "trigger"];
const HEADERS = ["x-zoho-event", "x-event", "x-event-type", "x-webhook-event"];

/** The words for the three things that a workflow rule can be about. */
const SYNONYMS: Readonly<Record<string, string>> = {
  add: "created",
  added: "created",
  create: "created",
  insert: "created",
  new: "created",
  edit: "updated",
  edited: "updated",
  update: "updated",
  modified: "updated",
  delete: "deleted",
  remove: "deleted",
  removed: "deleted",
};

/**
 * What happened to a record, as the user has written it into the webhook's URL or a header: `created` for each of
 * `?event=invoice_created`, `?action=add` and `x-event: invoice.create`. Any other word is taken as it is. The place that
 * the user names goes before all others.
 */
export function operationOf(delivery: Delivery, entity: string, chosen?: OperationPlace): string | undefined {
  const query = new URLSearchParams(splitUrl(delivery.url).query);
  const said = [
    chosen === undefined
      ? undefined
      : "query" in chosen
        ? query.get(chosen.query)
        : headerValue(delivery, chosen.header),
    ...QUERY_KEYS.map((key) => query.get(key)),
    ...HEADERS.map((name) => headerValue(delivery, name)),
  ];
  for (const text of said) {
    const word = text?.trim().replace(new RegExp(`^${entity}s?[._:/-]?`, "i"), "");
    if (word !== undefined && /^[a-z][a-z0-9_]*$/i.test(word)) return SYNONYMS[word.toLowerCase()] ?? word;
  }
  return undefined;
}
