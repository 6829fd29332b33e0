import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { isEveryAddress, isLoopback } from "../../core/loopback.ts";
import { runningListener } from "../running-listener.ts";
import type { SendPlan } from "./plan.ts";

/**
 * The settings with the address of the `listen` that runs in this project, where nobody has said where to send to: it may
 * run on a port of its own. Not its public URL: a sample takes no way around the world unasked.
 */
export async function atRunningListener(context: Context, { to }: SendPlan, config: Config): Promise<Config> {
  if (to !== undefined && !to.trim().startsWith("/")) return config;
  // What is wrong with a log is no news of a delivery.
  const running = await runningListener(context, config).catch(() => undefined);
  if (running === undefined) return config;
  const { protocol, hostname, port } = new URL(running);
  const host = hostname.replace(/^\[|\]$/g, "");
  const { settings } = config;
  const isKnown = port === String(settings.port) && (host === settings.host || isEveryAddress(settings.host));
  if (isKnown || protocol !== "http:" || port === "" || !(isLoopback(hostname) || host === "::1")) return config;
  context.report({ type: "notice", message: `the target is the listen that runs in this project: ${running}` });
  return { ...config, settings: { ...settings, host, port: Number(port) } };
}
