import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Secret } from "../delivery/secrets.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { isDevice, NOT_A_FILE } from "../util/files.ts";
import { withTimeout } from "../util/timing.ts";
import { mapNgrokError } from "./ngrok-errors.ts";

export const NGROK_SERVER_ADDR = "connect.ngrok-agent.com:443";

export interface NgrokSettings {
  readonly authtoken: Secret;
  /** `hooks.example.com`; chosen by ngrok by default. */
  readonly domain: string | undefined;
  /** `host:port` of an ingress other than ngrok's. */
  readonly serverAddr: string | undefined;
  /** A PEM file with the CAs of that ingress; `host` for those of the system. */
  readonly rootCas: string | undefined;
}

export interface NgrokSession {
  readonly url: string;
  /**
   * Unbinds the endpoint and ends the session. The agent cannot close its connection, which stays open, without serving
   * anything, until the service or the process ends.
   */
  close(): Promise<void>;
  /**
   * Ends a session with a dead connection for good, without waiting for the service. It is unbound first: if the connection
   * came back to life, requests would still be sent to it, and their answers would be lost.
   */
  abandon(): Promise<void>;
}

interface SessionEvents {
  /** The connection broke. The agent reconnects at once, after 50 ms, 2.5 s, and then not for two minutes. */
  onBroken(reason: string): void;
  /** The service has not answered the heartbeat for 15 s on an open connection. The agent does not react to this. */
  onSilent(): void;
}

const DIAL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 2_000;
/** Enough to write the request to the socket; it is delivered if the connection comes back to life. */
const UNBIND_TIMEOUT_MS = 300;
/** How long an attempt of the agent to reconnect may take. */
const ATTEMPT_MS = 1_500;

/** Connects, authenticates and binds. Throws a UserError with the reason, or when the signal aborts. */
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
  let unbindAndEnd = (): Promise<void> => end();
  let endReconnected: () => Promise<void> = async () => {};
  try {
    const builder = sessionBuilder(sdk, settings, serverAddr);
    // The native code ends the process when a handler throws, so events are reported in a microtask.
    builder.handleHeartbeat((latencyMs: number | null) => {
      if (abandoned) void unbindAndEnd();
      else if (latencyMs === null) queueMicrotask(() => events.onSilent());
    });
    // `false` would stop the agent's attempts to reconnect, and make it write to stdout.
    builder.handleDisconnection((_addr, error) => {
      attemptAt = performance.now();
      queueMicrotask(() => (abandoned ? void endReconnected() : events.onBroken(error)));
      return true;
    });
    await dial(serverAddr, DIAL_TIMEOUT_MS, signal);
    const session = await limited(builder.connect(), CONNECT_TIMEOUT_MS, signal, (late) => void quietly(late.close()));
    // Limited, since it waits for the service to answer.
    end = () => quietly(limited(session.close(), END_TIMEOUT_MS));
    const endpoint = session.httpEndpoint();
    if (settings.domain !== undefined) endpoint.domain(settings.domain);
    const listener = await limited(endpoint.listenAndForward(upstream), CONNECT_TIMEOUT_MS, signal, () => void end());
    const unbind = (timeoutMs = END_TIMEOUT_MS): Promise<void> => quietly(limited(listener.close(), timeoutMs));
    unbindAndEnd = async () => {
      await unbind();
      await end();
    };
    // A pending attempt to reconnect would leave a session that occupies the domain: end that as well. One that takes longer is
    // ended at its first heartbeat.
    endReconnected = async () => {
      while (performance.now() - attemptAt < ATTEMPT_MS) {
        await delay(50);
        await unbindAndEnd();
      }
    };
    return {
      url: (listener.url() ?? "").replace(/\/+$/, ""),
      close: async () => {
        abandoned = true;
        await unbindAndEnd();
      },
      abandon: async () => {
        abandoned = true;
        await unbind(UNBIND_TIMEOUT_MS);
        await end();
        await endReconnected();
      },
    };
  } catch (error) {
    abandoned = true;
    await end();
    signal.throwIfAborted();
    throw mapNgrokError(error, { ...settings, serverAddr });
  }
}

/** Connects, authenticates and ends the session again, without binding anything. Throws a UserError with the reason. */
export async function tryNgrok(sdk: NgrokSdk, settings: NgrokSettings, signal: AbortSignal): Promise<void> {
  const serverAddr = settings.serverAddr ?? NGROK_SERVER_ADDR;
  try {
    await dial(serverAddr, DIAL_TIMEOUT_MS, signal);
    const builder = sessionBuilder(sdk, settings, serverAddr);
    // See above: `false` would make the agent write to stdout.
    builder.handleDisconnection(() => true);
    const session = await limited(builder.connect(), CONNECT_TIMEOUT_MS, signal, (late) => void quietly(late.close()));
    await quietly(limited(session.close(), END_TIMEOUT_MS));
  } catch (error) {
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
      if (isDevice(settings.rootCas)) throw new Error(NOT_A_FILE);
      builder.rootCas(settings.rootCas);
    } catch (error) {
      const reason = errorText(error);
      throw usageError(`the CA file for ngrok, ${settings.rootCas}, cannot be read: ${reason}`, "name a PEM file");
    }
  }
  return builder;
}

/** Waits for native work, which cannot be cancelled; a late result goes to `onLate`. */
async function limited<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal?: AbortSignal,
  onLate: (value: T) => void = () => {},
): Promise<T> {
  return withTimeout(
    timeoutMs,
    [signal],
    (limit) =>
      new Promise<T>((resolve, reject) => {
        const onAbort = (): void => reject(new Error(`no answer in ${timeoutMs / 1000} s`));
        limit.addEventListener("abort", onAbort, { once: true });
        if (limit.aborted) onAbort();
        work.then((value) => (limit.aborted ? onLate(value) : resolve(value)), reject);
      }),
  );
}

/** Closing a broken session may fail, and nothing more can be done then. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

/**
 * Opens a TCP connection and closes it again. The agent has no timeout and reports all connection failures alike; this
 * distinguishes a missing network, a wrong name and a refusal, in bounded time.
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
    const onAbort = (): void => settle(new Error("aborted", { cause: signal.reason }));
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

export type NgrokSdk = Pick<typeof import("@ngrok/ngrok"), "SessionBuilder">;

/**
 * Loads ngrok's agent, a native add-on of 11 MB. Throws a UserError when there is no build for this system.
 */
export async function loadNgrok(): Promise<NgrokSdk> {
  try {
    return await import("@ngrok/ngrok");
  } catch (error) {
    const [firstLine = ""] = errorText(error).split("\n", 1);
    throw new UserError(
      "connectionLost",
      `the ngrok agent cannot be loaded, so no tunnel can be opened: ${firstLine}`,
      "its build for this system is an optional dependency: install again without --omit=optional; " +
        "without a build, use another tunnel with --public-url URL, or --tunnel none",
      "ngrokMissing",
    );
  }
}
