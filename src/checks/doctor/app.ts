import { isQueue, originOf } from "../../delivery/target.ts";
import { isListening } from "../../forward/app-health.ts";
import { openPoster } from "../../forward/post.ts";
import type { RunRoutes } from "../../listener/targets.ts";
import { openServer } from "../../receiver/http-server.ts";
import { UserError } from "../../util/errors.ts";
import { isLoopback } from "../../util/hosts.ts";
import { formatDuration } from "../../util/units.ts";
import { type Found, failed, passed, skipped, warned } from "../finding.ts";
import { type CheckedProject, isOffline } from "./project.ts";

/** Whether `listen` can have its port, or who has it. */
export async function checkPort({ config, listener }: CheckedProject): Promise<Found> {
  const { settings, origins } = config;
  const { host, port, publicUrl } = settings;
  if (port === 0) return passed("any free one");
  const own = passed(`${port} has this project's listen, process ${listener?.pid}`);
  if (listener?.port === port) return own;
  const elsewhere = listener === undefined ? "" : `; this project's listen, process ${listener.pid}, has another`;
  try {
    await (await openServer({ host, port }, (_, response) => response.destroy())).close(0);
    return passed(`${port} is free${elsewhere}`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message } = error;
    const who = message.includes("another program") ? `; lsof -nP -iTCP:${port} -sTCP:LISTEN shows which` : "";
    const hint = `${error.hint}${who}`;
    if (listener !== undefined && message.endsWith(`process ${listener.pid}`)) return own;
    // listen takes the next free one, unless the port was chosen, or a tunnel of the user's leads to it.
    const isFixed = origins.port !== "default" || publicUrl !== undefined || !message.includes("in use");
    if (isFixed && listener === undefined) return failed(message, hint);
    return warned(`${message}${elsewhere || ": listen takes the next free one"}`, hint);
  }
}

const APP_TIMEOUT_MS = 4_000;

/** Whether the developer's app answers, at each server that deliveries are, or would be, forwarded to. */
export async function checkApp(
  { config, listener }: CheckedProject,
  routes: () => RunRoutes,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  // A running listen may have got others by flags.
  const origins = listener?.targets ?? [...new Set(routes().targets.map(originOf))];
  const why = listener?.targets === undefined ? "forwardTo is not set" : "listen runs without a target";
  if (origins.length === 0) return [skipped(`${why}: nothing is forwarded`)];
  const { insecure, respond } = config.settings;
  const poster = await openPoster({ connections: 1, insecure, env: config.env, timeoutMs: APP_TIMEOUT_MS });
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
