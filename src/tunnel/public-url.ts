import { setTimeout as pause } from "node:timers/promises";
import { UserError, usageError } from "../core/errors.ts";
import { pausesBeforeAlarm, reachedWithin } from "./reached-within.ts";
import { DEFAULT_CHECK_EVERY_MS, type Tunnel, type TunnelOptions } from "./tunnel.ts";

const RETRY_MS = 3000;

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
      const since = now();
      onStatus({ type: "down", at: since, reason: "requests to the public URL no longer arrive here" });
      while (!(await reachedWithin(reaches, url, [Math.min(RETRY_MS, checkEveryMs)], signal))) {
        const at = now();
        const downMs = at.getTime() - since.getTime();
        if (downMs >= options.timeoutMs) return onStatus({ type: "lost", at, downMs, error: lostError(url, downMs) });
      }
      const at = now();
      const downMs = at.getTime() - since.getTime();
      onStatus({ type: "reconnected", at, downMs, url, previousUrl: undefined });
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
    throw usageError("the public URL holds a user name or password, which Zoho would not send", hint);
  }
  if (url.search !== "" || url.hash !== "") {
    throw usageError("the public URL has a query or a fragment; webhook paths are appended to it", hint);
  }
  return url.href.replace(/\/+$/, "");
}
