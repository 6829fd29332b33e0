import { eventPatterns } from "../../contract/event-names.ts";
import type { Product } from "../../contract/product.ts";
import { isQueue } from "../../delivery/queue-address.ts";
import { originOf } from "../../delivery/target-url.ts";
import { isListening } from "../../forward/app-health.ts";
import { openPoster } from "../../forward/post.ts";
import { runRoutes } from "../../listener/targets.ts";
import { openServer } from "../../receiver/http-server.ts";
import { UserError } from "../../util/errors.ts";
import { isLoopback } from "../../util/hosts.ts";
import { formatDuration } from "../../util/units.ts";
import {
  type CheckedProject,
  type Finding,
  failed,
  fromError,
  isOffline,
  passed,
  skipped,
  warning,
} from "./finding.ts";

/** Whether `listen` can have its port, or who has it. */
export async function portFindings({ config, listener }: CheckedProject): Promise<readonly Finding[]> {
  const { settings, origins } = config;
  const { host, port, publicUrl } = settings;
  if (port === 0) return [passed("port", "any free one")];
  const own = passed("port", `${port} has this project's listen, process ${listener?.pid}`);
  if (listener?.port === port) return [own];
  const elsewhere = listener === undefined ? "" : `; this project's listen, process ${listener.pid}, has another`;
  try {
    await (await openServer({ host, port }, (_, response) => response.destroy())).close(0);
    return [passed("port", `${port} is free${elsewhere}`)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message } = error;
    const who = message.includes("another program") ? `; lsof -nP -iTCP:${port} -sTCP:LISTEN shows which` : "";
    const hint = `${error.hint}${who}`;
    if (listener !== undefined && message.endsWith(`process ${listener.pid}`)) return [own];
    // listen takes the next free one, unless the port was chosen, or a tunnel of the user's leads to it.
    const isFixed = origins.port !== "default" || publicUrl !== undefined || !message.includes("in use");
    if (isFixed && listener === undefined) return [failed("port", message, hint)];
    return [warning("port", `${message}${elsewhere || ": listen takes the next free one"}`, hint)];
  }
}

/** The targets of `listen`. */
export function projectRoutes({ config }: Pick<CheckedProject, "config">, products: readonly Product[]) {
  return runRoutes(config, eventPatterns(config.settings.events), products);
}

/** Whether the developer's app answers, at each server that deliveries are forwarded to. */
export async function appFindings(
  { config }: CheckedProject,
  routes: () => ReturnType<typeof projectRoutes>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let targets: readonly string[];
  try {
    ({ targets } = routes());
  } catch (error) {
    return [fromError("app", error)];
  }
  const origins = [...new Set(targets.map(originOf))];
  if (origins.length === 0) return [skipped("app", "forwardTo is not set: nothing is forwarded")];
  const { insecure, respond } = config.settings;
  const poster = await openPoster({ connections: 1, insecure, env: config.env, timeoutMs: APP_TIMEOUT_MS });
  try {
    return await Promise.all(
      origins.map(async (origin): Promise<Finding> => {
        if (isQueue(origin))
          return (await isListening(origin))
            ? passed("app", `${origin} accepts connections`)
            : warning("app", `nothing listens on ${origin}: deliveries wait until it is there`, "is Redis running?");
        // HEAD changes nothing, and any answer will do.
        const delivery = { method: "HEAD", url: `${origin}/`, headers: [], body: Buffer.alloc(0) };
        const { status, error, latencyMs } = await poster.post(delivery, { signal });
        const { host, hostname } = new URL(origin);
        if (error === undefined || status !== undefined)
          return passed("app", `${host} answers`, { "HEAD /": `${status} in ${formatDuration(latencyMs)}` });
        if (!isLoopback(hostname) && isOffline(new Error(error.code)))
          return skipped("app", `not asked: ${error.message}`);
        // In the log, deliveries wait for an app that is down; a mirrored answer cannot wait.
        return respond === "mirror"
          ? failed("app", `${error.message}: senders get a 502`, error.hint)
          : warning("app", `${error.message}: deliveries wait until it answers`, error.hint);
      }),
    );
  } finally {
    await poster.close();
  }
}

const APP_TIMEOUT_MS = 4_000;
