import { hostname } from "node:os";
import type { LockOwner } from "../log/log.ts";
import { lockOwnerAt } from "../log/open-log.ts";
import { findProduct } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { type Config, logPlace } from "../project/load.ts";
import { findReceiver, webhookUrl } from "../receiver/routes.ts";
import { usageError } from "../util/errors.ts";
import { isLoopback, isWildcardAddress, reachableUrl } from "../util/hosts.ts";
import { realPlace } from "../util/links.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** The URL of this project's running `listen`, which writes it into the event log that it has locked. */
export async function runningListener(config: Config): Promise<string | undefined> {
  return (await lockOwner(config))?.url;
}

/** The process that has locked the project's log: its running `listen`. */
export async function lockOwner(config: Config): Promise<LockOwner | undefined> {
  const owner = config.settings.store === false ? undefined : await lockOwnerAt(logPlace(config));
  // On a shared log: loopback of another machine leads nowhere here.
  const isElsewhere = owner?.host !== undefined && owner.host !== hostname();
  if (isElsewhere && owner.url !== undefined && isLoopback(new URL(owner.url).hostname)) return undefined;
  return owner && { ...owner, url: owner.url && reachableUrl(owner.url) };
}

/** The address on this machine of the `listen` that runs in this project; undefined if it is that of the settings. */
export async function runningAddress({
  listenerUrl,
  config,
}: Pick<Workspace, "listenerUrl" | "config">): Promise<
  { readonly url: string; readonly host: string; readonly port: number } | undefined
> {
  // A damaged log is not what the user asked about.
  const url = listenerUrl ?? (await runningListener(config).catch(() => undefined));
  if (url === undefined) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const { settings } = config;
  const isKnown = port === String(settings.port) && (host === settings.host || isWildcardAddress(settings.host));
  if (isKnown || protocol !== "http:" || port === "" || !(isLoopback(hostname) || host === "::1")) return undefined;
  return { url, host, port: Number(port) };
}

/** The folder of the `listen` at the address of the settings, if it is another one than the project's. */
export async function folderOfOtherListener({
  root,
  settings: { host, port },
}: Pick<Config, "root" | "settings">): Promise<string | undefined> {
  const folder = (await findReceiver(host, port))?.folder;
  return folder === realPlace(root) ? undefined : folder;
}

/** The URL at which Zoho reaches the listener that runs in this project: its public one, unless Zoho is on this machine. */
export async function listenerUrl(
  context: Context,
  config: Config,
  product: string,
  isZohoLocal: boolean,
): Promise<string> {
  const base = await runningListener(config);
  const start = `${context.invocation} listen${isZohoLocal ? "" : " --tunnel ngrok"}`;
  const add = `add --url ${isZohoLocal ? "http" : "https"}://…`;
  if (base === undefined) {
    throw usageError(
      `--url is required: no listener${isZohoLocal ? "" : " with a public https URL"} is running in this project`,
      `${add}, or start one: ${start}`,
    );
  }
  if (!isZohoLocal && !base.startsWith("https://")) {
    throw usageError(
      `--url is required: the running listener has no public https URL, only ${base}`,
      `${add}, or start it with a tunnel: ${start}`,
    );
  }
  if (findProduct(products, product) === undefined) {
    throw usageError(`--url is required: the running listener cannot receive from ${product}`, add);
  }
  const url = webhookUrl(base, product, config.settings.paths);
  context.report({ type: "notice", message: `using the running listener: ${url}` });
  return url;
}
