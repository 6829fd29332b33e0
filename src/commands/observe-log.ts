import { readPayload } from "../core/payload.ts";
import type { Product } from "../core/product.ts";
import { createTraffic, type Traffic } from "../core/traffic.ts";
import type { LogFilter } from "../store/filter.ts";
import type { ListOptions, Log } from "../store/log.ts";

/** The shapes of what the log holds, read in pages. */
export async function observeLog(
  log: Log,
  products: readonly Product[],
  filter: LogFilter = {},
  { onDamaged, ...options }: { readonly samples?: boolean } & Pick<ListOptions, "onDamaged"> = {},
): Promise<Traffic> {
  const traffic = createTraffic(products, options);
  for await (const entry of log.entries(filter, { order: "oldest", ...(onDamaged && { onDamaged }) })) {
    traffic.add({
      ...entry,
      data() {
        const read = readPayload(entry.delivery);
        return read.ok ? read.payload.data : undefined;
      },
    });
  }
  return traffic;
}
