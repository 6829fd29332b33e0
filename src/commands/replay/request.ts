import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { carriesSignature } from "../../core/carried-proofs.ts";
import { changeBody } from "../../core/change-body.ts";
import { type Delivery, withBody } from "../../core/delivery.ts";
import { findFormat, findProduct } from "../../core/event-name.ts";
import type { Format, Product } from "../../core/product.ts";
import { signAgain } from "../../core/sign-again.ts";
import { withQueryOf } from "../../core/target-url.ts";
import { forwardRequest } from "../../delivery/forward-request.ts";
import type { LogEntry } from "../../store/log.ts";
import { editBody } from "./edit-body.ts";
import type { ReplayPlan } from "./plan.ts";

/** A request that is ready to be posted. */
export interface ReplayRequest {
  readonly delivery: Delivery;
  /** What was done to it, for a person. */
  readonly notes: readonly string[];
  /** The body is another than the one that came. */
  readonly changed: boolean;
}

/** The body that goes out: as it came, or changed as the plan says. */
export async function replayBody(
  context: Context,
  plan: ReplayPlan,
  { env }: Config,
  { delivery }: LogEntry,
): Promise<Buffer> {
  const { assignments, add, edit } = plan;
  const set = assignments.length === 0 ? delivery.body : changeBody(delivery, assignments, add);
  return edit ? editBody(context, env, withBody(delivery, set)) : set;
}

/** The one whose signature it came with, if any. */
function formatToSign(product: Product, { delivery, format }: LogEntry): Format | undefined {
  const own = format === undefined ? product.formats[0] : findFormat(product, format);
  if (own === undefined || carriesSignature(own, delivery)) return own;
  return product.formats.find((each) => carriesSignature(each, delivery)) ?? own;
}

export function replayRequest(
  context: Context,
  plan: ReplayPlan,
  { secrets, products }: Pick<Config, "secrets"> & { readonly products: readonly Product[] },
  entry: LogEntry,
  target: string,
  body: Buffer,
): ReplayRequest {
  if (plan.exact) {
    const notes = ["the bytes and headers that came"];
    return { delivery: { ...entry.delivery, url: withQueryOf(entry.url, target) }, notes, changed: false };
  }
  const changed = !body.equals(entry.delivery.body);
  const source = { ...entry, delivery: withBody(entry.delivery, body) };
  const delivery = forwardRequest(source, target);
  const product = entry.product === undefined ? undefined : findProduct(products, entry.product);
  const format = product && formatToSign(product, entry);
  const said = changed ? ["with a changed body"] : [];
  if (product === undefined || format === undefined) return { delivery, notes: said, changed };
  const again = signAgain({ delivery, product: product.id, format, changed, secrets, now: context.now() });
  return { delivery: again.delivery, notes: again.notes.length === 0 ? said : again.notes, changed };
}
