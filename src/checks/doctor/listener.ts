import { lockOwner } from "../../events/running-listener.ts";
import { OTHER_PORTS } from "../../listener/receiver.ts";
import type { Config } from "../../project/load.ts";
import { findReceiver } from "../../receiver/routes.ts";
import { isLoopback } from "../../util/hosts.ts";

/** The project's running `listen`. */
export interface RunningListener {
  readonly pid: number;
  /** Its local port; undefined if it is neither in the settings nor one that `listen` falls back to. */
  readonly port: number | undefined;
  /** Undefined without a tunnel. */
  readonly publicUrl: string | undefined;
}

/** Undefined where none runs, or where the log, which names it, cannot be read. */
export async function findListener(config: Config): Promise<RunningListener | undefined> {
  const owner = await lockOwner(config).catch(() => undefined);
  if (owner === undefined) return undefined;
  const { pid, url } = owner;
  const { host, port } = config.settings;
  const hasReceiver = async (at: string, number: number): Promise<boolean> => (await findReceiver(at, number)) === pid;
  const named = url === undefined ? undefined : new URL(url);
  // The log has the public URL where there is one. A request that comes through a tunnel is not told the process id.
  if (named !== undefined && isLoopback(named.hostname)) {
    const local = Number(named.port || 80);
    if (await hasReceiver(named.hostname.replace(/^\[|\]$/g, ""), local))
      return { pid, port: local, publicUrl: undefined };
  }
  const ports = [port, ...OTHER_PORTS].filter((each) => each !== 0);
  const found = await Promise.all(ports.map((each) => hasReceiver(host, each)));
  return { pid, port: ports[found.indexOf(true)], publicUrl: url };
}
