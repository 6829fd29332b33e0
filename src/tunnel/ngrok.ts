import { setTimeout as delay } from "node:timers/promises";
import { ExitCode, errorText, UserError } from "../util/errors.ts";
import { setLongTimeout, withTimeout } from "../util/timing.ts";
import { loadNgrok, type NgrokSession, type NgrokSettings, openNgrokSession } from "./ngrok-session.ts";
import { reachedWithin, type Tunnel, type TunnelOptions, untilUnreachable } from "./tunnel.ts";

/** Pauses between checks whether one of the agent's own three quick attempts to reconnect has succeeded. */
const AGENT_ATTEMPT_PAUSES_MS = [60, 150, 300, 500, 800, 1000, 1200] as const;
/** For all of these checks, each of which may take seconds. */
const AGENT_TIMEOUT_MS = 5_000;
const CHECK_PAUSES_MS = [0, 300, 1000, 2000, 4000] as const;
const BACKOFF_MS = [0, 500, 1000, 2000, 4000, 8000, 15_000] as const;
/** The timeout counts in turns of this length, so that a laptop that was asleep for an hour has not tried for an hour. */
const TURN_MS = 250;

/** Why a session delivers no requests: its agent is reconnecting, its connection is dead, or it seems fine (`alive`). */
type SessionState = "reconnecting" | "dead" | "alive";

/**
 * A tunnel of ngrok's own agent. It is `up` once the endpoint is bound, and `reconnected` when a request has arrived through
 * it again. The agent gets five seconds to reconnect by itself: after three attempts it would wait two minutes, then more
 * than an hour. From then on this opens new sessions.
 */
export async function openNgrok(settings: NgrokSettings, options: TunnelOptions): Promise<Tunnel> {
  const { addr, reaches, timeoutMs, onStatus, now } = options;
  const sdk = await loadNgrok();
  const closing = new AbortController();
  const upstream = `http://${addr.host.includes(":") ? `[${addr.host}]` : addr.host}:${addr.port}`;
  let recovery: Promise<void> | undefined;
  let session: NgrokSession | undefined;
  let url = "";
  session = await connect(options.signal);
  url = session.url;
  onStatus({ type: "up", at: now(), url });
  void watch();
  return {
    kind: "ngrok",
    get url() {
      return url;
    },
    async close() {
      closing.abort();
      const isBroken = recovery !== undefined;
      await recovery;
      await (isBroken ? session?.abandon() : session?.close());
    },
  };

  function connect(signal: AbortSignal): Promise<NgrokSession> {
    const events = {
      onBroken: (reason: string) => onDown(`the connection to ngrok broke (${reason})`, "reconnecting"),
      onSilent: () => onDown("ngrok has stopped answering", "dead"),
    };
    return openNgrokSession(sdk, upstream, settings, events, signal);
  }

  /** Detects what the agent and its heartbeat do not, such as an endpoint that was stopped from the dashboard. */
  async function watch(): Promise<void> {
    const { signal } = closing;
    try {
      for (;;) {
        await untilUnreachable(() => (recovery ? undefined : url), options, signal);
        onDown("requests to the public URL no longer arrive here", "alive");
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function onDown(reason: string, state: SessionState): void {
    if (recovery !== undefined || closing.signal.aborted) return;
    onStatus({ type: "down", at: now(), reason });
    recovery = recover(performance.now(), state);
  }

  async function recover(downSince: number, state: SessionState): Promise<void> {
    const deadline = new AbortController();
    const cancelDeadline = setLongTimeout(timeoutMs, () => deadline.abort(), TURN_MS);
    const signal = AbortSignal.any([closing.signal, deadline.signal]);
    let lastError: unknown;
    try {
      if (state === "reconnecting" && (await agentReconnects(signal))) return onReconnected(downSince, url);
      // Unbind first, or the service would reject the domain for the next session.
      if (state === "alive") await session?.close();
      for (let attempt = 0; ; attempt++) {
        await session?.abandon();
        await delay(BACKOFF_MS[attempt] ?? BACKOFF_MS.at(-1), undefined, { signal });
        try {
          session = await connect(signal);
        } catch (error) {
          signal.throwIfAborted();
          lastError = error;
          if (isCredentialsError(error)) break;
          continue;
        }
        if (await reachedWithin(reaches, session.url, CHECK_PAUSES_MS, signal))
          return onReconnected(downSince, session.url);
      }
    } catch (error) {
      if (closing.signal.aborted) return;
      if (!deadline.signal.aborted) throw error;
    } finally {
      cancelDeadline();
    }
    const downMs = Math.round(performance.now() - downSince);
    if (!closing.signal.aborted) onStatus({ type: "lost", at: now(), downMs, error: lostError(downMs, lastError) });
  }

  function agentReconnects(signal: AbortSignal): Promise<boolean> {
    return withTimeout(AGENT_TIMEOUT_MS, [signal], async (limited) => {
      try {
        return await reachedWithin(reaches, url, AGENT_ATTEMPT_PAUSES_MS, limited);
      } catch (error) {
        signal.throwIfAborted();
        if (limited.aborted) return false;
        throw error;
      }
    });
  }

  function onReconnected(downSince: number, newUrl: string): void {
    const previousUrl = newUrl === url ? undefined : url;
    const downMs = Math.round(performance.now() - downSince);
    url = newUrl;
    recovery = undefined;
    onStatus({ type: "reconnected", at: now(), downMs, url, previousUrl });
  }
}

function lostError(downMs: number, cause: unknown): UserError {
  if (isCredentialsError(cause)) return cause;
  return new UserError(
    "connectionLost",
    `the ngrok tunnel has been down for ${Math.round(downMs / 1000)} s${cause === undefined ? "" : `: ${errorText(cause)}`}`,
    "start again when the network is back; to wait longer, set ZOHO_HOOKS_TUNNEL_TIMEOUT",
    "tunnelLost",
  );
}

/** Waiting does not help against these. */
function isCredentialsError(error: unknown): error is UserError {
  return error instanceof UserError && error.exitCode === ExitCode.credentials;
}
