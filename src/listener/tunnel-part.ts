import { openDispatchers } from "../forward/dispatchers.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import type { Config } from "../project/load.ts";
import { readSecretVariable, storeKeyOf } from "../project/secret-variables.ts";
import { settingName } from "../project/settings.ts";
import type { Receiver } from "../receiver/receiver.ts";
import { findAuthtoken } from "../tunnel/authtoken.ts";
import { cloudflaredEnv, findCloudflared } from "../tunnel/cloudflared-program.ts";
import { chooseTunnel, openTunnel, type TunnelChoice } from "../tunnel/open-tunnel.ts";
import { type ProbeResult, probe } from "../tunnel/probe.ts";
import type { Tunnel, TunnelStatus } from "../tunnel/tunnel.ts";
import { UserError, usageError } from "../util/errors.ts";
import { createProbeKey, type ProbeKey } from "../util/probe-key.ts";
import type { ListenContext, TunnelLine } from "./lines.ts";
import type { Part } from "./part.ts";
import { reportGap } from "./sleep-detector.ts";

/** Makes the receiver reachable from outside. */
export interface TunnelPart extends Part {
  readonly kind: Tunnel["kind"];
  /** The public base URL, which can change when the tunnel reconnects. */
  url(): string;
  /** Time without a connection so far, in milliseconds. */
  downMs(): number;
}

/** A tunnel to open. */
export type OpenChoice = Exclude<TunnelChoice, { kind: "none" }>;

/** Shown wherever such a tunnel is opened. */
export const CLOUDFLARE_NOTE = "a new URL at each start; its traffic passes through Cloudflare";

interface TunnelOptions {
  readonly choice: OpenChoice;
  readonly receiver: Receiver;
  readonly probeKey: ProbeKey;
  /** Other receivers may be reached at the URL, too. */
  readonly isShared: boolean;
  /** What this run has registered, which follows the tunnel to another URL: `channel 4711`. */
  registered(): readonly string[];
  /** The tunnel has come back under another public URL. */
  onMoved(url: string, previousUrl: string): void;
  /** The connection is gone for good. */
  onLost(error: UserError): void;
}

/**
 * Decides before anything is opened, so that contradictory flags or a missing token cost no port. A Zoho on this machine needs
 * no tunnel, so that ngrok's authtoken alone opens none.
 */
export async function chooseRunTunnel(
  context: ListenContext,
  config: Config,
  isZohoLocal: boolean,
): Promise<TunnelChoice> {
  const { settings, origins } = config;
  const { tunnel, domain, publicUrl, ngrokServerAddr: serverAddr, ngrokRootCas: rootCas } = settings;
  const isAskedFor = tunnel === "ngrok" || domain !== undefined;
  const mayBeNgrok = tunnel !== "none" && tunnel !== "cloudflared" && publicUrl === undefined;
  const isNeeded = mayBeNgrok && (isAskedFor || !isZohoLocal);
  const { home, platform } = context;
  const { env } = config;
  const authtoken = isNeeded
    ? await findAuthtoken({ variable: readSecretVariable(env, "NGROK_AUTHTOKEN"), env, home, platform })
    : undefined;
  const named = (key: "tunnel" | "domain" | "publicUrl"): string => settingName(key, origins[key]);
  const names = { tunnel: named("tunnel"), domain: named("domain"), publicUrl: named("publicUrl") };
  const cloudflared = () => chooseCloudflared(context, config).start;
  return chooseTunnel({ tunnel, domain, publicUrl, authtoken, serverAddr, rootCas, cloudflared, names });
}

/** The user's own `cloudflared`. Throws where there is none. */
export function chooseCloudflared(context: ListenContext, { root, env }: Config): OpenChoice & { kind: "cloudflared" } {
  const { platform } = context;
  const path = findCloudflared({ named: env.CLOUDFLARED_PATH, root, env: context.env, platform });
  return {
    kind: "cloudflared",
    start: (args, onLine) => context.startProgram(path, { args, env: cloudflaredEnv(context.env), onLine }),
  };
}

/** The key that proves to a probe of the public URL where it has arrived. Receivers on one log answer for each other. */
export function runProbeKey(config: Config): ProbeKey {
  const { store } = config.settings;
  return createProbeKey(isDatabaseAddress(String(store)) ? `${store} ${storeKeyOf(config)}` : undefined);
}

/** Opens the tunnel and makes sure that requests to its URL arrive here. */
export async function startTunnel(
  context: ListenContext,
  config: Config,
  { choice, receiver, probeKey, isShared, registered, onMoved, onLost }: TunnelOptions,
): Promise<TunnelPart> {
  const { settings, env } = config;
  let downMs = 0;
  let downSince: number | undefined;
  let downAt: Date | undefined;
  let isReady = false;
  const onStatus = (status: TunnelStatus): void => {
    if (status.type === "down") {
      downSince = performance.now();
      downAt = status.at;
    }
    if (status.type === "reconnected" || status.type === "lost") {
      downMs += status.downMs;
      downSince = undefined;
    }
    // The ready block shows the first "up".
    if (isReady || status.type !== "up") {
      context.report({ ...lineOf(status), person: { moving: registered() } });
    }
    if ("downMs" in status && downAt !== undefined) {
      // The clock may have been set back.
      const from = downAt <= status.at ? downAt : new Date(status.at.getTime() - status.downMs);
      reportGap(context, { from, to: status.at, cause: "tunnel", reason: "the tunnel was down" });
    }
    if (status.type === "reconnected" && status.previousUrl !== undefined) onMoved(status.url, status.previousUrl);
    if (status.type === "lost") onLost(status.error);
  };
  const dispatchers = await openDispatchers({ connections: 1, insecure: false, env });
  const reach = (publicUrl: string, signal: AbortSignal, once: boolean): Promise<ProbeResult> => {
    const url = new URL(publicUrl);
    // A direct probe opens a new connection each time: a kept one would not show that no new one is possible.
    const through = dispatchers.isDirect(url) ? {} : { dispatcher: dispatchers.for(url) };
    const { sleep } = context;
    const attempts = once ? { pausesMs: [0] } : { forgesAddress: settings.allowIp.length > 0 };
    return probe({ publicUrl, key: probeKey, signal, sleep, ...through, ...attempts });
  };
  try {
    // The user's own tunnel leads to the port that they know.
    const port = choice.kind === "public-url" ? receiver.port : await receiver.openTunnelPort();
    const open = context.overrides?.openTunnel ?? openTunnel;
    const tunnel = await context.waiting(waitingText(context, choice), () =>
      open(choice, {
        addr: { host: "127.0.0.1", port },
        reaches: async (publicUrl, signal) => (await reach(publicUrl, signal, true)).ok,
        timeoutMs: settings.tunnelTimeout,
        onStatus,
        now: context.now,
        signal: context.signal,
      }),
    );
    if (tunnel === undefined) throw new Error("no tunnel was opened");
    await requireReach(context, config, { tunnel, isShared, reach: () => reach(tunnel.url, context.signal, false) });
    isReady = true;
    return {
      name: "the tunnel",
      kind: tunnel.kind,
      url: () => tunnel.url,
      downMs: () => downMs + (downSince === undefined ? 0 : Math.round(performance.now() - downSince)),
      async stop() {
        await tunnel.close();
        await dispatchers.close();
      },
    };
  } catch (error) {
    await dispatchers.close();
    throw error;
  }
}

const CLOUDFLARE_HINT =
  "Zoho may reach it all the same: try it from another network, such as a phone; some resolvers refuse trycloudflare.com";

/** Where no spinner shows it, a quarter of a minute without a line would look as if `listen` hung. */
function waitingText({ report, stderr }: ListenContext, { kind }: OpenChoice): string {
  if (kind !== "cloudflared") return "Opening the tunnel …";
  const message = "a tunnel of Cloudflare, which takes about 15 seconds";
  if (!stderr.isTTY) report({ type: "notice", message: `opening ${message}` });
  return `Opening ${message} …`;
}

interface ReachOptions {
  readonly tunnel: Tunnel;
  readonly isShared: boolean;
  reach(): Promise<ProbeResult>;
}

async function requireReach(
  context: ListenContext,
  config: Config,
  { tunnel, isShared, reach }: ReachOptions,
): Promise<void> {
  try {
    const result = await context.waiting("Checking the public URL …", reach);
    const fault = arrivalFault(config, tunnel, result);
    if (fault === undefined) return;
    // A proxy in front of several receivers asks `/readyz` first, which this one answers from now on.
    if (isShared && tunnel.kind === "public-url" && !result.ok)
      return context.report({ type: "warning", message: fault.message });
    // It is connected. Some resolvers do not know the name, or have cached it as missing.
    if (tunnel.kind === "cloudflared" && !result.ok) {
      if (config.settings.allowIp.length === 0)
        return context.report({ type: "warning", message: fault.message, hint: CLOUDFLARE_HINT });
      const setting = settingName("allowIp", config.origins.allowIp);
      const hint = `leave ${setting} out, or use --tunnel ngrok: whether addresses can be made up is known only when a request arrives`;
      throw new UserError("connectionLost", fault.message, hint);
    }
    throw fault;
  } catch (error) {
    await tunnel.close();
    throw error;
  }
}

/**
 * Why a tunnel cannot be used: its URL leads elsewhere, so it would look ready and receive nothing, or it lets senders make up
 * their address. Undefined if it can.
 */
export function arrivalFault(
  config: Config,
  { kind, url }: Pick<Tunnel, "kind" | "url">,
  result: ProbeResult,
): UserError | undefined {
  if (result.ok) return result.isForgeable ? forgeableFault(config, url) : undefined;
  const hint =
    kind === "public-url"
      ? "start that tunnel first, and point it to this receiver's port (see --port)"
      : "try again, or do without a tunnel: --tunnel none";
  return new UserError("connectionLost", `a request to ${url} did not arrive here: ${result.reason}`, hint);
}

/** Behind a tunnel that does not write X-Forwarded-For, every sender could name an allowed address. */
function forgeableFault({ settings, origins }: Config, url: string): UserError | undefined {
  if (settings.allowIp.length === 0) return undefined;
  return usageError(
    `${settingName("allowIp", origins.allowIp)} protects nothing at ${url}: that tunnel does not write X-Forwarded-For, so anyone can send an allowed address in it`,
    "use a tunnel that writes this header, such as ngrok; or leave the setting out, and set the product's secret or token",
  );
}

function lineOf(status: TunnelStatus): TunnelLine {
  const previousUrl = status.type === "reconnected" ? status.previousUrl : undefined;
  return {
    type: "tunnel",
    at: status.at.toJSON(),
    state: status.type,
    url: "url" in status ? status.url : null,
    previous_url: previousUrl ?? null,
    reason: status.type === "down" ? status.reason : status.type === "lost" ? status.error.message : null,
    down_ms: "downMs" in status ? status.downMs : null,
  };
}
