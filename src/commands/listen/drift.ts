import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import { createTraffic, driftOf, hasDrifted } from "../../core/traffic.ts";
import type { EventReport } from "../../reports/event.ts";
import { usageError } from "../../util/errors.ts";
import { learn, refuseLinkedFolders } from "../helpers/learn.ts";

/** Compares the events of a run with their schemas; undefined with `--schema off`. */
export function openDrift(
  context: Context,
  { settings, root }: Pick<Config, "settings" | "root">,
  products: readonly Product[],
  { learn: learns = false }: { readonly learn?: boolean },
) {
  if (settings.schema === "off") {
    if (learns) throw usageError("--learn compares with the schemas, which --schema off turns off", "leave one out");
    return undefined;
  }
  if (learns) refuseLinkedFolders(root, products);
  const traffic = createTraffic(products, { samples: learns });
  return {
    add({ n, method, path, headers, body, receipt, duplicateOf }: EventReport): void {
      const delivery = { method, url: path, headers, body };
      const { product, format, event, known, verdicts } = receipt;
      const data = (): unknown => receipt.payload?.data;
      traffic.add({ n, product, format, event, known, verdicts, duplicateOf, delivery, data });
    },
    /** At the end of the run: the differences, if there are any. */
    report(): void {
      const events = traffic.events();
      const drifts = events.map(driftOf).filter(hasDrifted);
      const overlooked = traffic.overlooked();
      const moreCommand = settings.store === false ? undefined : `${context.invocation} events drift`;
      if (drifts.length > 0 || overlooked > 0) {
        context.report({ type: "drift", drifts, brief: true, overlooked, moreCommand });
      }
      if (learns) learn(context, root, events, products);
    },
  };
}
