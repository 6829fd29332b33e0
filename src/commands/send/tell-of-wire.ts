import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { findFormat } from "../../core/event-name.ts";
import type { Format, Product } from "../../core/product.ts";
import type { SendPlan } from "./plan.ts";

/** Whoever writes an app for the guide's body alone would find out when Zoho posts. Told once, and not where it was chosen. */
export function tellOfWire(context: Context, plan: SendPlan, config: Config, product: Product, format: Format): void {
  const isChosen = plan.format !== undefined || config.settings.products[product.id]?.format !== undefined;
  if (isChosen || format.id !== "guide" || findFormat(product, "wire") === undefined) return;
  const message = `this is in the guide's format; for what ${product.title} itself posts, use --format wire`;
  context.report({ type: "notice", message });
}
