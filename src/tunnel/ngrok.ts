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
  const tunnel = new NgrokTunnel(await loadNgrok(), settings, options);
  await tunnel.open();
  return tunnel;
}

class NgrokTunnel implements Tunnel {
  readonly kind = "ngrok";
  readonly #sdk: Awaited<ReturnType<typeof loadNgrok>>;
  readonly #settings: NgrokSettings;
  readonly #options: TunnelOptions;
  readonly #closing = new AbortController();
  #session: NgrokSession | undefined;
  #url = "";
  /** Set while it is down, and once it is lost. */
  #recovery: Promise<void> | undefined;
  /** Why the last session of a recovery could not be opened. */
  #lastError: unknown;

  constructor(sdk: Awaited<ReturnType<typeof loadNgrok>>, settings: NgrokSettings, options: TunnelOptions) {
    this.#sdk = sdk;
    this.#settings = settings;
    this.#options = options;
  }

  get url(): string {
    return this.#url;
  }

  async open(): Promise<void> {
    const { now, onStatus, signal } = this.#options;
    this.#session = await this.#connect(signal);
    this.#url = this.#session.url;
    onStatus({ type: "up", at: now(), url: this.#url });
    void this.#watch();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const isBroken = this.#recovery !== undefined;
    await this.#recovery;
    await (isBroken ? this.#session?.abandon() : this.#session?.close());
  }

  #connect(signal: AbortSignal): Promise<NgrokSession> {
    const { host, port } = this.#options.addr;
    const upstream = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const events = {
      onBroken: (reason: string) => this.#onDown(`the connection to ngrok broke (${reason})`, "reconnecting"),
      onSilent: () => this.#onDown("ngrok has stopped answering", "dead"),
    };
    return openNgrokSession(this.#sdk, upstream, this.#settings, events, signal);
  }

  /** Detects what the agent and its heartbeat do not, such as an endpoint that was stopped from the dashboard. */
  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        await untilUnreachable(() => (this.#recovery ? undefined : this.#url), this.#options, signal);
        this.#onDown("requests to the public URL no longer arrive here", "alive");
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #onDown(reason: string, state: SessionState): void {
    if (this.#recovery !== undefined || this.#closing.signal.aborted) return;
    this.#options.onStatus({ type: "down", at: this.#options.now(), reason });
    this.#recovery = this.#recover(performance.now(), state);
  }

  async #recover(downSince: number, state: SessionState): Promise<void> {
    const { now, onStatus, timeoutMs } = this.#options;
    const closing = this.#closing.signal;
    const deadline = new AbortController();
    const cancelDeadline = setLongTimeout(timeoutMs, () => deadline.abort(), TURN_MS);
    this.#lastError = undefined;
    try {
      const url = await this.#reconnect(state, AbortSignal.any([closing, deadline.signal]));
      if (url !== undefined) return this.#onReconnected(downSince, url);
    } catch (error) {
      if (closing.aborted) return;
      if (!deadline.signal.aborted) throw error;
    } finally {
      cancelDeadline();
    }
    const downMs = Math.round(performance.now() - downSince);
    if (!closing.aborted) onStatus({ type: "lost", at: now(), downMs, error: lostError(downMs, this.#lastError) });
  }

  /** Resolves to the URL at which requests arrive again; to undefined where waiting does not help. */
  async #reconnect(state: SessionState, signal: AbortSignal): Promise<string | undefined> {
    const { reaches } = this.#options;
    if (state === "reconnecting" && (await this.#agentReconnects(signal))) return this.#url;
    // Unbind first, or the service would reject the domain for the next session.
    if (state === "alive") await this.#session?.close();
    for (let attempt = 0; ; attempt++) {
      await this.#session?.abandon();
      await delay(BACKOFF_MS[attempt] ?? BACKOFF_MS.at(-1), undefined, { signal });
      try {
        this.#session = await this.#connect(signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#lastError = error;
        if (isCredentialsError(error)) return undefined;
        continue;
      }
      const { url } = this.#session;
      if (await reachedWithin(reaches, url, CHECK_PAUSES_MS, signal)) return url;
    }
  }

  #agentReconnects(signal: AbortSignal): Promise<boolean> {
    return withTimeout(AGENT_TIMEOUT_MS, [signal], async (limited) => {
      try {
        return await reachedWithin(this.#options.reaches, this.#url, AGENT_ATTEMPT_PAUSES_MS, limited);
      } catch (error) {
        signal.throwIfAborted();
        if (limited.aborted) return false;
        throw error;
      }
    });
  }

  #onReconnected(downSince: number, url: string): void {
    const { now, onStatus } = this.#options;
    const previousUrl = url === this.#url ? undefined : this.#url;
    const downMs = Math.round(performance.now() - downSince);
    this.#url = url;
    this.#recovery = undefined;
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
