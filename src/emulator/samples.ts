import { chosenFormat, requireOneEvent, requireProduct } from "../contract/named.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { appUrl, type ListenAddress } from "../delivery/target.ts";
import { products } from "../products/index.ts";
import { freshData, readBuiltInFixture } from "../samples/fixtures.ts";
import { usageError } from "../util/errors.ts";
import type { Outgoing } from "./deliveries.ts";

/** An event of any product, to be posted without anything having happened. */
export interface SampleOrder {
  readonly product: string;
  readonly event: string;
  /** As `--to` of `send`. */
  readonly to: string;
  readonly format?: string | undefined;
}

interface SampleContext {
  readonly packageRoot: string;
  readonly secrets: Secrets;
  readonly now: Date;
}

/** What `send` takes for a path alone. */
const LISTENER: ListenAddress = { host: "127.0.0.1", port: 4460 };

/** The built-in sample with new ids and present times. Throws the usage errors of `send` for a wrong name or URL. */
export function sampleDelivery(order: SampleOrder, { packageRoot, secrets, now }: SampleContext): Outgoing {
  const product = requireProduct(products, order.product);
  const format = chosenFormat(product, order.format, order.event);
  const sample = { product, format, name: requireOneEvent(product, format, order.event).name };
  const url = appUrl(order.to, product.id, LISTENER, "to");
  const fixture = readBuiltInFixture(packageRoot, sample);
  if (fixture === undefined) throw usageError(`there is no sample of ${product.id} ${sample.name}`);
  const timeoutMs = format.answer?.withinMs;
  return {
    product: product.id,
    format,
    event: sample.name,
    url,
    body: freshData(sample, fixture, now),
    secrets,
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
