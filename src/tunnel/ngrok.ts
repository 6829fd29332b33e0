import { setTimeout as pause } from "node:timers/promises";
import { ExitCode, errorText, UserError } from "../util/errors.ts";
import { setLongTimeout, withTimeout } from "../util/timing.ts";
import { loadNgrok, type NgrokSdk, type NgrokSession, type NgrokSettings, openNgrokSession } from "./ngrok-session.ts";
import { DEFAULT_CHECK_EVERY_MS, pausesBeforeAlarm, reachedWithin, type Tunnel, type TunnelOptions } from "./tunnel.ts";

/** Pauses before each look whether one of the three quick attempts of the agent itself has done it. */
const AGENT_ATTEMPTS_MS = [60, 150, 300, 500, 800, 1000, 1200] as const;
/** For all of these looks, of which each may take seconds of its own. */
const AGENT_MOST_MS = 5_000;
const AFTER_OPENING_MS = [0, 300, 1000, 2000, 4000] as const;
const BACK_OFF_MS = [0, 500, 1000, 2000, 4000, 8000, 15_000] as const;
/** A laptop that has slept for an hour has not tried for an hour: of a sleep no more than this counts. */
const TURN_MS = 250;

/**
 * A tunnel by ngrok's own agent. `up` is said once the endpoint is bound; `reconnected` only when a request has come
 * through it again. The agent's own way back is given five seconds, as after three attempts it waits two minutes and
 * then more than an hour; from then on this opens new sessions itself.
 */
export async function openNgrok(settings: NgrokSettings, options: TunnelOptions): Promise<Tunnel> {
  const sdk = await loadNgrok();
  const tunnel = new NgrokTunnel(sdk, settings, options);
  await tunnel.open();
  return tunnel;
}

/** Of a session through which no requests come: whether the agent tries to mend it, or it is beyond that, or seems well. */
type SessionState = "retrying" | "dead" | "alive";

class NgrokTunnel implements Tunnel {
  readonly kind = "ngrok";
  url = "";
  readonly #sdk: NgrokSdk;
  readonly #settings: NgrokSettings;
  readonly #options: TunnelOptions;
  readonly #life = new AbortController();
  #session: NgrokSession | undefined;
  #recovery: Promise<void> | undefined;

  constructor(sdk: NgrokSdk, settings: NgrokSettings, options: TunnelOptions) {
    this.#sdk = sdk;
    this.#settings = settings;
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#session = await this.#connect(this.#options.signal);
    this.url = this.#session.url;
    this.#options.onStatus({ type: "up", at: this.#options.now(), url: this.url });
    void this.#watch();
  }

  async close(): Promise<void> {
    this.#life.abort();
    const broken = this.#recovery !== undefined;
    await this.#recovery;
    await (broken ? this.#session?.abandon() : this.#session?.close());
  }

  #connect(signal: AbortSignal): Promise<NgrokSession> {
    const { host, port } = this.#options.addr;
    const upstream = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const events = {
      onBroken: (reason: string) => this.#lose(`the connection to ngrok broke (${reason})`, "retrying"),
      onSilent: () => this.#lose("ngrok has stopped answering", "dead"),
    };
    return openNgrokSession(this.#sdk, upstream, this.#settings, events, signal);
  }

  /** What neither the agent nor its heartbeat notices, such as an endpoint that was stopped from the dashboard. */
  async #watch(): Promise<void> {
    const { reaches, checkEveryMs = DEFAULT_CHECK_EVERY_MS } = this.#options;
    const { signal } = this.#life;
    try {
      for (;;) {
        await pause(checkEveryMs, undefined, { signal });
        if (
          this.#recovery !== undefined ||
          (await reachedWithin(reaches, this.url, pausesBeforeAlarm(checkEveryMs), signal))
        )
          continue;
        this.#lose("requests to the public URL no longer arrive here", "alive");
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #lose(reason: string, session: SessionState): void {
    if (this.#recovery !== undefined || this.#life.signal.aborted) return;
    this.#options.onStatus({ type: "down", at: this.#options.now(), reason });
    this.#recovery = this.#recover(performance.now(), session);
  }

  async #recover(since: number, session: SessionState): Promise<void> {
    const { reaches, timeoutMs } = this.#options;
    const deadline = new AbortController();
    const callOff = setLongTimeout(timeoutMs, () => deadline.abort(), TURN_MS);
    const signal = AbortSignal.any([this.#life.signal, deadline.signal]);
    let lastError: unknown;
    try {
      if (session === "retrying" && (await this.#isMendedByAgent(signal))) {
        return this.#reconnected(since, this.url);
      }
      // Unbound first, or the service would refuse its domain to the session that replaces it.
      if (session === "alive") await this.#session?.close();
      for (let attempt = 0; ; attempt++) {
        await this.#session?.abandon();
        await pause(BACK_OFF_MS[attempt] ?? BACK_OFF_MS.at(-1), undefined, { signal });
        try {
          this.#session = await this.#connect(signal);
        } catch (error) {
          signal.throwIfAborted();
          lastError = error;
          if (refusesCredentials(error)) break;
          continue;
        }
        if (await reachedWithin(reaches, this.#session.url, AFTER_OPENING_MS, signal)) {
          return this.#reconnected(since, this.#session.url);
        }
      }
    } catch (error) {
      if (this.#life.signal.aborted) return;
      if (!deadline.signal.aborted) throw error;
    } finally {
      callOff();
    }
    if (!this.#life.signal.aborted) this.#lost(since, lastError);
  }

  #isMendedByAgent(signal: AbortSignal): Promise<boolean> {
    return withTimeout(AGENT_MOST_MS, [signal], async (limited) => {
      try {
        return await reachedWithin(this.#options.reaches, this.url, AGENT_ATTEMPTS_MS, limited);
      } catch (error) {
        signal.throwIfAborted();
        if (limited.aborted) return false;
        throw error;
      }
    });
  }

  #reconnected(since: number, url: string): void {
    const at = this.#options.now();
    const previousUrl = url === this.url ? undefined : this.url;
    this.url = url;
    this.#recovery = undefined;
    this.#options.onStatus({
      type: "reconnected",
      at,
      downMs: Math.round(performance.now() - since),
      url,
      previousUrl,
    });
  }

  #lost(since: number, cause: unknown): void {
    const at = this.#options.now();
    const downMs = Math.round(performance.now() - since);
    const error = refusesCredentials(cause)
      ? cause
      : new UserError(
          "connectionLost",
          `the ngrok tunnel has been down for ${Math.round(downMs / 1000)} s and has not come back` +
            `${cause === undefined ? "" : `: ${errorText(cause)}`}`,
          "start again when the network is back; a longer --tunnel-timeout waits longer",
          "tunnelLost",
        );
    this.#options.onStatus({ type: "lost", at, downMs, error });
  }
}

/** Nothing that waiting could mend. */
function refusesCredentials(error: unknown): error is UserError {
  return error instanceof UserError && error.exitCode === ExitCode.credentials;
}
