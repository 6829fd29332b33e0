import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Secret } from "../body/secret.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { withTimeout } from "../util/timing.ts";
import { mapNgrokError } from "./ngrok-errors.ts";

const NGROK_SERVER_ADDR = "connect.ngrok-agent.com:443";

export interface NgrokSettings {
  readonly authtoken: Secret;
  /** `hooks.example.com`; ngrok chooses a name without one. */
  readonly domain: string | undefined;
  /** `host:port` of another ingress than ngrok's own. */
  readonly serverAddr: string | undefined;
  /** A PEM file with the CAs of that ingress; `host` trusts those of the system. */
  readonly rootCas: string | undefined;
  /** Whole seconds; ngrok's own 10 and 15 when left out. */
  readonly heartbeat: { readonly intervalSeconds: number; readonly toleranceSeconds: number } | undefined;
}

export interface NgrokSession {
  readonly url: string;
  /**
   * Unbinds the endpoint and ends the session. Its connection stays open until the service or the process ends, as the
   * agent has no way to close it, but nothing is served over it.
   */
  close(): Promise<void>;
  /**
   * Ends a session whose connection is dead, without waiting for the service, and so that it never comes back by itself. One
   * that does come to life would still be sent requests, and no answer would get back: it is unbound by then.
   */
  abandon(): Promise<void>;
}

interface SessionEvents {
  /** The connection broke. The agent tries again by itself at once, after 50 ms, 2.5 s and then not for two minutes. */
  onBroken(reason: string): void;
  /** The service has stopped answering on an open connection. The agent does nothing about this. */
  onSilent(): void;
}

const DIAL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 2_000;
/** What it takes to hand the request to the system, which delivers it where the connection comes back to life. */
const UNBIND_MS = 300;
/** How long an attempt of the agent to reconnect may still be under way. */
const ATTEMPT_MS = 1_500;

/** Connects, authenticates and binds. Throws a UserError that says why not, or when the signal aborts. */
export async function openNgrokSession(
  sdk: NgrokSdk,
  upstream: string,
  settings: NgrokSettings,
  events: SessionEvents,
  signal: AbortSignal,
): Promise<NgrokSession> {
  const serverAddr = settings.serverAddr ?? NGROK_SERVER_ADDR;
  let abandoned = false;
  let attemptAt = Number.NEGATIVE_INFINITY;
  let end: () => Promise<void> = async () => {};
  let endReturning: () => Promise<void> = async () => {};
  try {
    const builder = sessionBuilder(sdk, settings, serverAddr);
    // Native code calls both handlers, and ends the process when one throws: what they lead to runs after them.
    builder.handleHeartbeat((latencyMs: number | null) => {
      if (abandoned) void end();
      else if (latencyMs === null) queueMicrotask(() => events.onSilent());
    });
    // `false` would stop the agent's attempts, and make it write to the standard output.
    builder.handleDisconnection((_addr, error) => {
      attemptAt = performance.now();
      queueMicrotask(() => (abandoned ? void endReturning() : events.onBroken(error)));
      return true;
    });
    await dial(serverAddr, DIAL_TIMEOUT_MS, signal);
    const session = await limited(builder.connect(), CONNECT_TIMEOUT_MS, signal, (late) => void quietly(late.close()));
    // Bounded, as it waits for a request to the service that is still unanswered.
    end = () => quietly(limited(session.close(), END_TIMEOUT_MS));
    const endpoint = session.httpEndpoint();
    if (settings.domain !== undefined) endpoint.domain(settings.domain);
    const listener = await limited(endpoint.listenAndForward(upstream), CONNECT_TIMEOUT_MS, signal, () => void end());
    // An attempt that is under way would leave a session that lives on and holds the domain: it is ended as well.
    endReturning = async () => {
      while (performance.now() - attemptAt < ATTEMPT_MS) {
        await pause(50);
        await quietly(limited(listener.close(), END_TIMEOUT_MS));
        await end();
      }
    };
    return {
      url: (listener.url() ?? "").replace(/\/+$/, ""),
      close: async () => {
        abandoned = true;
        await quietly(limited(listener.close(), END_TIMEOUT_MS));
        await end();
      },
      abandon: async () => {
        abandoned = true;
        await quietly(limited(listener.close(), UNBIND_MS));
        await end();
        await endReturning();
      },
    };
  } catch (error) {
    abandoned = true;
    await end();
    signal.throwIfAborted();
    throw mapNgrokError(error, { ...settings, serverAddr });
  }
}

type SessionBuilder = InstanceType<NgrokSdk["SessionBuilder"]>;

function sessionBuilder(sdk: NgrokSdk, settings: NgrokSettings, serverAddr: string): SessionBuilder {
  const builder = new sdk.SessionBuilder().authtoken(settings.authtoken.reveal());
  try {
    builder.serverAddr(serverAddr);
  } catch {
    throw usageError(`the ngrok server address "${serverAddr}" is not valid`, "give it as host:port, without a scheme");
  }
  if (settings.rootCas !== undefined) {
    try {
      builder.rootCas(settings.rootCas);
    } catch (error) {
      const reason = errorText(error);
      throw usageError(`the CA file for ngrok, ${settings.rootCas}, cannot be read: ${reason}`, "name a PEM file");
    }
  }
  if (settings.heartbeat !== undefined) {
    builder.heartbeatInterval(settings.heartbeat.intervalSeconds);
    builder.heartbeatTolerance(settings.heartbeat.toleranceSeconds);
  }
  return builder;
}

/** Waits for native work, which cannot be cancelled; what comes too late is handed to `onLate`. */
async function limited<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal?: AbortSignal,
  onLate: (value: T) => void = () => {},
): Promise<T> {
  return withTimeout(
    timeoutMs,
    [signal],
    (over) =>
      new Promise<T>((resolve, reject) => {
        const onOver = (): void => reject(new Error(`no answer in ${timeoutMs / 1000} s`));
        over.addEventListener("abort", onOver, { once: true });
        if (over.aborted) onOver();
        work.then((value) => (over.aborted ? onLate(value) : resolve(value)), reject);
      }),
  );
}

/** Ending what is broken may fail, and there is nothing more to do then. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

/**
 * Opens a TCP connection and closes it again. The agent itself reports every failure to connect in the same words and
 * has no time-out; this tells a missing network from a wrong name and a refusal, in bounded time.
 */
function dial(serverAddr: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(`tcp://${serverAddr}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443) });
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => settle(new Error("given up", { cause: signal.reason }));
    const timer = setTimeout(() => settle(unreachable(serverAddr, `no answer in ${timeoutMs / 1000} s`)), timeoutMs);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => settle(undefined));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(unreachable(serverAddr, reasonOf(error))));
    if (signal.aborted) onAbort();
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") return `its name cannot be resolved (${error.code})`;
  if (error.code === "ECONNREFUSED") return "the connection was refused (ECONNREFUSED)";
  return error.code ?? error.message;
}

function unreachable(serverAddr: string, reason: string): UserError {
  return new UserError(
    "connectionLost",
    `ngrok cannot be reached at ${serverAddr}: ${reason}`,
    "check the network and its firewall: the agent connects directly, not through HTTPS_PROXY; " +
      "or use --tunnel none to work without a tunnel, or --public-url URL to use your own",
    "ngrokUnreachable",
  );
}

/** The part of `@ngrok/ngrok` that is used. */
export type NgrokSdk = Pick<typeof import("@ngrok/ngrok"), "SessionBuilder">;

/**
 * Loads ngrok's agent, a native add-on of 11 MB, only when a tunnel is wanted.
 * Throws a UserError where this machine has no build of it.
 */
export async function loadNgrok(load: () => Promise<NgrokSdk> = () => import("@ngrok/ngrok")): Promise<NgrokSdk> {
  try {
    return await load();
  } catch (error) {
    const [firstLine = ""] = errorText(error).split("\n", 1);
    throw new UserError(
      "connectionLost",
      `the ngrok agent cannot be loaded, so no tunnel can be opened: ${firstLine}`,
      "its build for this system is an optional dependency: install again without --omit=optional; " +
        "where there is no build, use another tunnel with --public-url URL, or --tunnel none",
      "ngrokMissing",
    );
  }
}
