import type { Delivery } from "./delivery.ts";
import { familyMember, findEvent } from "./event-name.ts";
import type { Format } from "./product.ts";
import type { Receipt } from "./receive.ts";

/**
 * A body of `Leads.create` is none of `Visits.create`: the schema of their family fits either, so what the body itself says
 * is compared with the event that was named. The family's own name stands for all of them.
 */
export function asNamedEvent(receipt: Receipt, format: Format | undefined, delivery: Delivery): Receipt {
  const { event, payload, schema } = receipt;
  if (format === undefined || event === undefined || payload === undefined || schema === undefined) return receipt;
  const family = findEvent(format, event)?.event;
  const said = format.recognise(payload, delivery);
  if (family === undefined || family.name === event || said === undefined) return receipt;
  // A body may not say what happened to its record: then it says nothing against the name either.
  if (familyMember(family, said) === undefined || said.toLowerCase() === event.toLowerCase()) return receipt;
  const issue = { path: [], at: "", expected: event, received: said };
  return { ...receipt, schema: { ok: false, issues: [issue, ...schema.issues] } };
}
