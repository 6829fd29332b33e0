import { type Found, failed, passed, skipped, warned } from "../checks/finding.ts";
import type { HeaderPair } from "../delivery/delivery.ts";
import { openPoster } from "../forward/post.ts";
import { lockOwner } from "../history/running-listener.ts";
import { OTHER_PORTS } from "../listener/receiver-part.ts";
import type { Config } from "../project/load.ts";
import { findReceiver, type RunningReceiver } from "../receiver/routes.ts";
import { isLoopback, reachableOrigin } from "../util/hosts.ts";
import { isRecord, parseJson } from "../util/json.ts";
import { realPlace } from "../util/links.ts";

/** The project's running `listen`. */
export interface RunningListener {
  readonly pid: number;
  /** Undefined without a tunnel. */
  readonly publicUrl: string | undefined;
  /** What it says of itself; undefined if its port is neither in the log nor one that `listen` takes by itself. */
  readonly receiver: (RunningReceiver & { readonly port: number; readonly url: string }) | undefined;
}

/**
 * The process that has locked the project's log, or else a receiver of this folder on a port that `listen` takes by itself: its
 * log may be deleted, or it may have none. Undefined where there is neither.
 */
export async function findListener(config: Config): Promise<RunningListener | undefined> {
  const owner = await lockOwner(config).catch(() => undefined);
  const { host, port } = config.settings;
  const folder = realPlace(config.root);
  const at = async (atHost: string, atPort: number): Promise<RunningListener["receiver"]> => {
    const found = await findReceiver(atHost, atPort);
    if (found === undefined || (found.folder !== folder && found.pid !== owner?.pid)) return undefined;
    return { ...found, port: atPort, url: reachableOrigin(atHost, atPort) };
  };
  // The log has the public URL where there is one.
  const logged = owner?.url === undefined ? undefined : new URL(owner.url);
  const isLocal = logged !== undefined && isLoopback(logged.hostname);
  const ports = [...new Set([port, ...OTHER_PORTS])].filter((each) => each !== 0);
  const receiver =
    (isLocal ? await at(logged.hostname.replace(/^\[|\]$/g, ""), Number(logged.port || 80)) : undefined) ??
    (await Promise.all(ports.map((each) => at(host, each)))).find((each) => each !== undefined);
  if (receiver !== undefined) return { pid: receiver.pid, publicUrl: receiver.publicUrl, receiver };
  return owner && { pid: owner.pid, publicUrl: isLocal ? undefined : owner.url, receiver };
}

const TIMEOUT_MS = 2_000;

/** Whether the running `listen` takes deliveries, as it says itself. None where none runs. */
export async function checkListener(
  listener: RunningListener | undefined,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  if (listener === undefined) return [];
  const { pid, receiver } = listener;
  if (receiver === undefined) return [skipped(`process ${pid} runs; not asked, because its port is not known`)];
  const name = `process ${pid} at ${receiver.url}`;
  const { status, reply, error } = await getReady(receiver.url, signal);
  if (status === 200) return [passed(`${name} takes deliveries`)];
  const answer = parseJson(reply?.toString("utf8") ?? "");
  const { status: state, reason } = answer.ok && isRecord(answer.value) ? answer.value : {};
  if (state === "starting" || state === "stopping") return [warned(`${name} is ${state}`, "wait a moment")];
  const why = typeof reason === "string" ? reason : (error?.message ?? `/readyz answered ${status}`);
  return [failed(`${name} takes no deliveries: ${why}`, "its output says more; stop it and start it again")];
}

/** The answer of a receiver at a local URL to `GET /readyz`. */
export async function getReady(url: string, signal: AbortSignal, headers: readonly HeaderPair[] = []) {
  const poster = await openPoster({ connections: 1, insecure: false, env: {}, timeoutMs: TIMEOUT_MS });
  try {
    const request = { method: "GET", url: `${url}/readyz`, headers, body: Buffer.alloc(0) };
    return await poster.post(request, { signal, wholeReply: true });
  } finally {
    await poster.close();
  }
}
