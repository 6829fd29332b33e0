import { setTimeout as pause } from "node:timers/promises";
import { UserError, usageError } from "../util/errors.ts";
import { DEFAULT_CHECK_EVERY_MS, pausesBeforeAlarm, reachedWithin, type Tunnel, type TunnelOptions } from "./tunnel.ts";

const RETRY_MS = 3000;
/** The pause and a request to its end. What took longer was asleep, where the system counts that. */
const LONGEST_TRY_MS = 10_000;

/**
 * A tunnel that the user runs. It is only watched: a request through it now and then tells whether it still leads here.
 * Whether it does at the start is for the caller to find out, as it is with every tunnel.
 */
export function usePublicUrl(publicUrl: string, options: TunnelOptions): Tunnel {
  const url = parsePublicUrl(publicUrl);
  const life = new AbortController();
  options.onStatus({ type: "up", at: options.now(), url });
  const watching = watch(url, options, life.signal);
  return {
    kind: "public-url",
    url,
    close: async () => {
      life.abort();
      await watching;
    },
  };
}

async function watch(url: string, options: TunnelOptions, signal: AbortSignal): Promise<void> {
  const { reaches, now, onStatus, checkEveryMs = DEFAULT_CHECK_EVERY_MS } = options;
  try {
    for (;;) {
      await pause(checkEveryMs, undefined, { signal });
      if (await reachedWithin(reaches, url, pausesBeforeAlarm(checkEveryMs), signal)) continue;
      // Not by the clock of the day, which jumps: a laptop that has slept for an hour has not tried for an hour.
      const since = performance.now();
      onStatus({ type: "down", at: now(), reason: "requests to the public URL no longer arrive here" });
      let triedMs = 0;
      for (;;) {
        const triedAt = performance.now();
        if (await reachedWithin(reaches, url, [Math.min(RETRY_MS, checkEveryMs)], signal)) break;
        triedMs += Math.min(performance.now() - triedAt, LONGEST_TRY_MS);
        const downMs = Math.round(performance.now() - since);
        if (triedMs >= options.timeoutMs)
          return onStatus({ type: "lost", at: now(), downMs, error: lostError(url, downMs) });
      }
      onStatus({
        type: "reconnected",
        at: now(),
        downMs: Math.round(performance.now() - since),
        url,
        previousUrl: undefined,
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function lostError(url: string, downMs: number): UserError {
  return new UserError(
    "connectionLost",
    `no request to ${url} has arrived here for ${Math.round(downMs / 1000)} s`,
    "start the tunnel behind this URL again; a longer --tunnel-timeout waits longer",
    "tunnelLost",
  );
}

/** The base that webhook paths are appended to. Throws a usage error. */
export function parsePublicUrl(text: string): string {
  const hint = "give the URL that your tunnel prints, such as https://example.trycloudflare.com";
  if (!URL.canParse(text)) throw usageError(`the public URL "${text}" is not a URL`, hint);
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw usageError(`the public URL must be https or http, not ${url.protocol.slice(0, -1)}`, hint);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError("the public URL contains a user name or password, which Zoho would not send", hint);
  }
  if (url.search !== "" || url.hash !== "") {
    throw usageError("the public URL has a query or a fragment; webhook paths are appended to it", hint);
  }
  return url.href.replace(/\/+$/, "");
}
