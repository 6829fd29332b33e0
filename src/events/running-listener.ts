import { hostname } from "node:os";
import { findProduct } from "../contract/event-names.ts";
import type { LockOwner } from "../log/log.ts";
import { lockOwnerAt } from "../log/open-log.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { type Config, logPlace } from "../project/load.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { usageError } from "../util/errors.ts";
import { isLoopback, isWildcardAddress } from "../util/hosts.ts";

/** The URL of this project's running `listen`, which writes it into the event log that it has locked. */
export async function runningListener(context: Context, config: Config): Promise<string | undefined> {
  if (context.embedded?.listener !== undefined) return context.embedded.listener.url;
  return (await lockOwner(config))?.url;
}

/** The process that has locked the project's log: its running `listen`. */
export async function lockOwner(config: Config): Promise<LockOwner | undefined> {
  const owner = config.settings.store === false ? undefined : await lockOwnerAt(logPlace(config));
  // On a shared log: loopback of another machine leads nowhere here.
  const isElsewhere = owner?.host !== undefined && owner.host !== hostname();
  if (isElsewhere && owner.url !== undefined && isLoopback(new URL(owner.url).hostname)) return undefined;
  // A receiver on every address is reached on loopback.
  const url = owner?.url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
  return owner && { ...owner, url };
}

/** The address on this machine of the `listen` that runs in this project; undefined if it is that of the settings. */
export async function runningAddress(
  context: Context,
  config: Config,
): Promise<{ readonly url: string; readonly host: string; readonly port: number } | undefined> {
  // A damaged log is not what the user asked about.
  const url = await runningListener(context, config).catch(() => undefined);
  if (url === undefined) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const { settings } = config;
  const isKnown = port === String(settings.port) && (host === settings.host || isWildcardAddress(settings.host));
  if (isKnown || protocol !== "http:" || port === "" || !(isLoopback(hostname) || host === "::1")) return undefined;
  return { url, host, port: Number(port) };
}

/** The public URL of the listener that runs in this project. */
export async function listenerUrl(context: Context, config: Config, product: string): Promise<string> {
  const base = await runningListener(context, config);
  const start = `${context.invocation} listen --tunnel ngrok`;
  if (base === undefined) {
    throw usageError(
      "--url is required: no listener with a public https URL is running in this project",
      `add --url https://…, or start one: ${start}`,
    );
  }
  if (!base.startsWith("https://")) {
    throw usageError(
      `--url is required: the running listener has no public https URL, only ${base}`,
      `add --url https://…, or start it with a tunnel: ${start}`,
    );
  }
  if (findProduct(products, product) === undefined) {
    throw usageError(`--url is required: the running listener cannot receive from ${product}`, "add --url https://…");
  }
  const url = webhookUrl(base, product);
  context.report({ type: "notice", message: `using the running listener: ${url}` });
  return url;
}
