import { setTimeout as pause } from "node:timers/promises";
import { errorText, usageError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { withTimeLimit } from "../core/time-limit.ts";
import { dial } from "./dial.ts";
import type { NgrokSdk } from "./load-ngrok.ts";
import { mapNgrokError } from "./map-error.ts";

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

export interface SessionEvents {
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
  return withTimeLimit(
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
