import { secretFieldNames } from "../delivery/mask.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { targetFor } from "../delivery/target.ts";
import { forwardRequest } from "../forward/request.ts";
import type { LogEntry } from "../log/log.ts";
import { findFormat, findProduct } from "../model/event-names.ts";
import type { Format, Product } from "../model/product.ts";
import { carriesSignature } from "../recognition/reading.ts";
import { changeBody } from "../samples/edit-body.ts";
import { signAgain } from "../samples/prepare.ts";
import type { OutgoingDelivery } from "./outgoing.ts";
import type { ReplayPlan } from "./replay-plan.ts";

export interface ReplayedDelivery extends OutgoingDelivery {
  /** The body differs from the one that came. */
  readonly changed: boolean;
}

interface ReplayInput {
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly now: Date;
  readonly target: string;
  readonly body: Buffer;
}

/** A delivery of the log as it is sent again: signed again where the old signature no longer holds. */
export function replayedDelivery(
  { exact }: ReplayPlan,
  entry: LogEntry,
  { products, secrets, now, target, body }: ReplayInput,
): ReplayedDelivery {
  const { n, product: id, event, format } = entry;
  const about = { n, product: id, event, format, secretFieldNames: secretFieldNames(entry.verdicts) };
  if (exact) {
    const delivery = { ...entry.delivery, url: targetFor(entry.url, target) };
    return { ...about, delivery, notes: ["headers and bytes exactly as received"], changed: false };
  }
  const changed = !body.equals(entry.delivery.body);
  const delivery = forwardRequest({ ...entry, delivery: { ...entry.delivery, body } }, target);
  const notes = changed ? ["with a changed body"] : [];
  const product = id === undefined ? undefined : findProduct(products, id);
  const toSign = product && formatToSign(product, entry);
  if (product === undefined || toSign === undefined) return { ...about, delivery, notes, changed };
  const again = signAgain({ delivery, product: product.id, format: toSign, changed, secrets, now });
  return { ...about, delivery: again.delivery, notes: again.notes.length === 0 ? notes : again.notes, changed };
}

/** The format of its signature, if it has one. */
function formatToSign(product: Product, { delivery, format }: LogEntry): Format | undefined {
  const own = format === undefined ? product.formats[0] : findFormat(product, format);
  if (own === undefined || carriesSignature(own, delivery)) return own;
  return product.formats.find((each) => carriesSignature(each, delivery)) ?? own;
}

/** The body as it came, or with the changes of --set or --edit. */
export async function replayBody(plan: ReplayPlan, { delivery }: LogEntry): Promise<Buffer> {
  const { assignments } = plan;
  if (plan.body !== undefined) return plan.body;
  const set = assignments.length === 0 ? delivery.body : changeBody(delivery, assignments);
  return plan.edit === undefined ? set : plan.edit(set);
}
