import { loadConfig } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { findProduct } from "../../core/event-name.ts";
import { products } from "../../products/index.ts";
import { webhookUrl } from "../../receiver/route.ts";
import { runningListener } from "../running-listener.ts";

/** Where Zoho reaches the listener that runs in this project. Throws a usage error where there is none to be reached. */
export async function listenerUrl(context: Context, product: string): Promise<string> {
  const base = await runningListener(context, loadConfig(context));
  const missing = "--url is missing: where shall Zoho post to?";
  if (base === undefined) {
    throw usageError(
      `${missing} No zoho-hooks listen runs in this project`,
      `add --url https://…, or start one that Zoho can reach: ${context.invocation} listen --tunnel ngrok`,
    );
  }
  if (!base.startsWith("https://")) {
    throw usageError(
      `${missing} The running listener has no public https address, only ${base}`,
      `add --url https://…, or start it with a tunnel: ${context.invocation} listen --tunnel ngrok`,
    );
  }
  if (findProduct(products, product) === undefined) {
    throw usageError(`${missing} The running listener does not know what ${product} posts`, "add --url https://…");
  }
  const url = webhookUrl(base, product);
  context.report({ type: "notice", message: `for the running listener: ${url}` });
  return url;
}
