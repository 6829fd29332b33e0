import { join } from "node:path";
import { appPaths } from "../delivery/paths.ts";
import { originOf } from "../delivery/target.ts";
import { runningListener } from "../history/running-listener.ts";
import { warnIfTracked } from "../project/git.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { KEYS_FOLDER } from "../project/secrets.ts";
import { trustOwn } from "../project/trust.ts";
import { isPortBusy, openOnFreePort } from "../receiver/http-server.ts";
import { type Receiver, type ReceiverOptions, startReceiver } from "../receiver/receiver.ts";
import { usageError } from "../util/errors.ts";
import { realPlace } from "../util/links.ts";
import type { ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";
import type { Plan } from "./plan.ts";
import type { SharedSecretsPart } from "./shared-secrets.ts";
import { receiverTargeted } from "./targets.ts";

export type ReceiverPart = Part & Receiver;

interface ReceiverPartOptions
  extends Pick<
    ReceiverOptions,
    "secrets" | "renewKeys" | "recorder" | "probeKey" | "publicUrl" | "onEvent" | "whyNotReady"
  > {
  /** Called when the senders that still wait for an answer are about to be cut off. */
  onClosing(): void;
  /** Set if several receivers share the log. */
  readonly shared: SharedSecretsPart | undefined;
}

/** How long a receiver beside others still answers after SIGTERM: a few times what proxies take between two checks. */
const DRAIN_MS = 3000;
/** Shortly before the receiver closes all connections, so that senders still get an answer. */
const CLOSING_AFTER_MS = 1500;

export async function startReceiverPart(
  context: ListenContext,
  plan: Plan,
  { onClosing, shared, ...given }: ReceiverPartOptions,
): Promise<ReceiverPart> {
  const { config, products, shown, allowed, keySet, routes } = plan;
  const { settings } = config;
  const receiver = await openReceiver(context, config, routes.targets, {
    ...given,
    paths: appPaths(settings.paths),
    maxBody: settings.maxBody,
    products,
    policy: { schema: settings.schema, onInvalid: settings.onInvalid },
    limits: { toleranceMs: settings.tolerance, setting: "the setting tolerance" },
    allowed,
    pid: context.pid,
    folder: realPlace(config.root),
    targets: routes.empty ? undefined : [...new Set(routes.targets.map(originOf))],
    keySet,
    publicHost: settings.publicUrl === undefined ? undefined : new URL(settings.publicUrl).host,
    now: context.now,
    isShown: shown.matches,
    async keepSecret(product, offered, from) {
      context.knownSecrets.remember(offered.value);
      if (shared === undefined) await trustOwn(context, join(config.root, KEYS_FOLDER));
      const file = shared === undefined ? config.storeSecret(product, offered) : undefined;
      await shared?.keep(product, offered);
      const place = file ?? "the event log, for all receivers";
      const message = `${product} sent its secret from ${from ?? "an unknown address"}: saved in ${place}`;
      context.report({ type: "notice", message });
      if (file !== undefined) warnIfTracked(context, config.root, file);
    },
    onTrouble: (message, hint) => context.report({ type: "warning", message, hint }),
  });
  return {
    ...receiver,
    name: "the receiver",
    async stop() {
      // A proxy in front asks `/readyz` before it sends elsewhere.
      if (shared !== undefined && context.signal.reason === "SIGTERM") await context.sleep(DRAIN_MS);
      const closing = setTimeout(onClosing, CLOSING_AFTER_MS);
      await receiver.close();
      clearTimeout(closing);
    },
  };
}

/** Tried in order when the default port is busy. */
export const OTHER_PORTS = Array.from({ length: 19 }, (_, i) => 4461 + i);

async function openReceiver(
  context: ListenContext,
  config: Config,
  targets: readonly string[],
  options: Omit<ReceiverOptions, "host" | "port">,
): Promise<Receiver> {
  const { host } = config.settings;
  return onFreePort(context, config, targets, (port) => startReceiver({ ...options, host, port }));
}

/** Opens a server at the port of the settings; where that is the default one and in use, at the next free one, with a warning. */
export async function onFreePort<Server>(
  context: ListenContext,
  config: Config,
  targets: readonly string[],
  open: (port: number) => Promise<Server>,
): Promise<Server> {
  const { settings, origins } = config;
  const { port, publicUrl } = settings;
  try {
    return await open(port);
  } catch (error) {
    // The user's own tunnel leads to the port that they know.
    if (!isPortBusy(error) || origins.port !== "default" || publicUrl !== undefined) throw error;
    const own = await runningListener(loadConfig(context)).catch(() => undefined);
    if (own !== undefined) throw usageError(`${error.message}; this project's listen is at ${own}`, error.hint);
    const others = OTHER_PORTS.filter(
      (other) => !targets.some((target) => receiverTargeted(target, { ...settings, port: other })),
    );
    const opened = await openOnFreePort(others, async (other) => ({ server: await open(other), other }));
    if (opened === undefined) throw error;
    context.report({ type: "warning", message: `${error.message}: using port ${opened.other}` });
    return opened.server;
  }
}
