import { lockOwner } from "../../events/running-listener.ts";
import { OTHER_PORTS } from "../../listener/receiver-part.ts";
import type { Config } from "../../project/load.ts";
import { findReceiver } from "../../receiver/routes.ts";
import { isLoopback } from "../../util/hosts.ts";

/** The project's running `listen`. */
export interface RunningListener {
  readonly pid: number;
  /** Its local port; undefined if it is neither in the settings nor one that `listen` falls back to. */
  readonly port?: number;
  /** Undefined without a tunnel. */
  readonly publicUrl?: string;
  /** The servers that it forwards to, as origins; undefined where its port is not known. */
  readonly targets?: readonly string[];
}

/** Undefined where none runs, or where the log, which names it, cannot be read. */
export async function findListener(config: Config): Promise<RunningListener | undefined> {
  const owner = await lockOwner(config).catch(() => undefined);
  if (owner === undefined) return undefined;
  const { pid, url } = owner;
  const { host, port } = config.settings;
  const at = async (atHost: string, atPort: number): Promise<RunningListener | undefined> => {
    const found = await findReceiver(atHost, atPort);
    return found?.pid === pid ? { ...found, port: atPort } : undefined;
  };
  // The log has the public URL where there is one. A request that comes through a tunnel is not told the process id.
  if (url !== undefined && isLoopback(new URL(url).hostname)) {
    const local = new URL(url);
    const found = await at(local.hostname.replace(/^\[|\]$/g, ""), Number(local.port || 80));
    if (found !== undefined) return found;
  }
  const found = await Promise.all([port, ...OTHER_PORTS].map((each) => (each === 0 ? undefined : at(host, each))));
  return { pid, ...found.find((each) => each !== undefined), publicUrl: url };
}
