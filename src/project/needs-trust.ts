import { resolve } from "node:path";
import { originOf, targetUrl } from "../delivery/target.ts";
import { isLocalUrl } from "../util/hosts.ts";
import { isAbove, realPlace } from "../util/links.ts";

/** Place in which a setting of a folder has its effect. */
export interface Place {
  readonly root: string;
  /** The log that the user's own settings name: a path or an address. */
  readonly userStore: string | undefined;
}

/** Origins alone: another path of the same server is nothing new. */
export function remoteOrigins(targets: readonly string[]): readonly string[] {
  return targets
    .map((target) => targetUrl(target, "crm", { host: "localhost", port: 1 }))
    .filter((url) => !isLocalUrl(url))
    .map(originOf);
}

/** A path as it is written, and where it leads, if that is outside the folder by itself or through a link. */
export function outside(root: string, path: string): readonly string[] {
  const place = realPlace(resolve(root, path));
  if (!isAbove(realPlace(root), place)) return [];
  return [place === resolve(realPlace(root), path) ? path : `${path} → ${place}`];
}

export function isAddress(store: string): boolean {
  return store.includes("://");
}

/** A file outside, or the address of a database and its parameters each, which may name another host; passwords are left out. */
export function logsElsewhere(store: string | false, { root }: Place): readonly string[] {
  if (store === false) return [];
  if (!isAddress(store)) return outside(root, store);
  if (!URL.canParse(store)) return [store];
  const { protocol, host, pathname, searchParams } = new URL(store);
  const parameters = [...searchParams].filter(([name]) => !/password/i.test(name));
  return [`${protocol}//${host}${pathname}`, ...parameters.map(([name, value]) => `${name}=${value}`)];
}

/** Whether a limit of the log removes deliveries of other projects: the user's own log is elsewhere. */
export function prunesElsewhere({ root, userStore }: Place): boolean {
  return userStore !== undefined && (isAddress(userStore) || outside(root, userStore).length > 0);
}
