import { type Found, failed, passed, skipped, warned } from "../checks/finding.ts";
import { isQueue, originOf } from "../delivery/target.ts";
import { isListening } from "../forward/app-health.ts";
import { openTargets } from "../forward/queue-poster.ts";
import { onFreePort } from "../listener/receiver-part.ts";
import type { RunRoutes } from "../listener/targets.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import { openServer } from "../receiver/http-server.ts";
import { orUndefined, UserError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { formatDuration } from "../util/units.ts";
import { type CheckedProject, isOffline, silentContext } from "./project.ts";

/** Whether `listen` can have its port, or who has it. */
export async function checkPort(project: CheckedProject, targets: () => readonly string[]): Promise<Found> {
  const { config, listener } = project;
  const { host, port, store } = config.settings;
  const own = listener?.receiver?.port;
  // Beside one on a shared log another can start.
  if (listener !== undefined && (own === port || !isDatabaseAddress(String(store))))
    return passed(`this project's listen, process ${listener.pid}, has ${own ?? "one that is not known"}`);
  // listen does not start for a fault in them, which has a line of its own.
  const known = orUndefined(targets) ?? [];
  const context = silentContext(project.context);
  try {
    const taken = await onFreePort(context, config, known, async (at) => {
      const server = await openServer({ host, port: at }, (_, response) => response.destroy());
      await server.close(0);
      return at;
    });
    const [busy] = context.warnings;
    if (busy !== undefined) return warned(busy.message, `to use ${port}, stop what has it${whoHas(port)}`);
    return passed(taken === 0 ? "any free one" : `${taken} is free`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return failed(error.message, `${error.hint}${error.message.includes("another program") ? whoHas(port) : ""}`);
  }
}

function whoHas(port: number): string {
  return `; lsof -nP -iTCP:${port} -sTCP:LISTEN shows which`;
}

const APP_TIMEOUT_MS = 4_000;

/** Whether the developer's app answers, at each server that deliveries are, or would be, forwarded to. */
export async function checkApp(
  { config, listener }: CheckedProject,
  routes: () => RunRoutes,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  // A running listen may have got others by flags.
  const running = listener?.receiver;
  const origins = running ? (running.targets ?? []) : [...new Set(routes().targets.map(originOf))];
  const why = running === undefined ? "forwardTo is not set" : "listen runs without a target";
  if (origins.length === 0) return [skipped(`${why}: nothing is forwarded`)];
  const { insecure, respond } = config.settings;
  const poster = await openTargets(origins, {
    connections: 1,
    insecure,
    env: config.env,
    timeoutMs: APP_TIMEOUT_MS,
    addresses: new Map(),
    receivedAtOf: async () => undefined,
  });
  const check = async (origin: string): Promise<Found> => {
    if (isQueue(origin))
      return (await isListening(origin))
        ? passed(`${origin} accepts connections`)
        : warned(`nothing listens on ${origin}: deliveries wait until it is there`, "is Redis running?");
    // HEAD changes nothing, and any answer will do.
    const delivery = { method: "HEAD", url: `${origin}/`, headers: [], body: Buffer.alloc(0) };
    const { status, error, latencyMs } = await poster.post(delivery, { signal });
    const { host, hostname } = new URL(origin);
    if (error === undefined || status !== undefined)
      return passed(`${host} answers`, { "HEAD /": `${status} in ${formatDuration(latencyMs)}` });
    if (!isLoopback(hostname) && isOffline(new Error(error.code))) return skipped(`not checked: ${error.message}`);
    // In the log, deliveries wait for an app that is down; a mirrored answer cannot wait.
    return respond === "mirror"
      ? failed(`${error.message}: senders get a 502`, error.hint)
      : warned(`${error.message}: deliveries wait until it answers`, error.hint);
  };
  try {
    return await Promise.all(origins.map(check));
  } finally {
    await poster.close();
  }
}
