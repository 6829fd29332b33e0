import { UserError, usageError } from "../util/errors.ts";
import { reachedWithin, type Tunnel, type TunnelOptions, untilUnreachable } from "./tunnel.ts";

const RETRY_MS = 3000;
/** The pause and a whole request. A longer attempt includes a time when the machine was asleep. */
const MAX_ATTEMPT_MS = 10_000;

/**
 * A tunnel that the user runs. It is only watched, by an occasional request. Whether it works at the start is for the caller
 * to find out, as with every tunnel.
 */
export function usePublicUrl(publicUrl: string, options: TunnelOptions): Tunnel {
  const url = parsePublicUrl(publicUrl);
  const closing = new AbortController();
  options.onStatus({ type: "up", at: options.now(), url });
  const watching = watch(url, options, closing.signal).catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
  return {
    kind: "public-url",
    url,
    async close() {
      closing.abort();
      await watching;
    },
  };
}

async function watch(url: string, options: TunnelOptions, signal: AbortSignal): Promise<void> {
  const { reaches, now, onStatus, timeoutMs, checkEveryMs = RETRY_MS } = options;
  for (;;) {
    await untilUnreachable(() => url, options, signal);
    // Not by the system clock, which jumps; and time asleep does not count as time spent trying.
    const downSince = performance.now();
    const downMs = (): number => Math.round(performance.now() - downSince);
    onStatus({ type: "down", at: now(), reason: "requests to the public URL no longer arrive here" });
    let triedMs = 0;
    for (;;) {
      const triedAt = performance.now();
      if (await reachedWithin(reaches, url, [Math.min(RETRY_MS, checkEveryMs)], signal)) break;
      triedMs += Math.min(performance.now() - triedAt, MAX_ATTEMPT_MS);
      if (triedMs >= timeoutMs)
        return onStatus({ type: "lost", at: now(), downMs: downMs(), error: lostError(url, downMs()) });
    }
    onStatus({ type: "reconnected", at: now(), downMs: downMs(), url, previousUrl: undefined });
  }
}

function lostError(url: string, downMs: number): UserError {
  return new UserError(
    "connectionLost",
    `no request to ${url} has arrived here for ${Math.round(downMs / 1000)} s`,
    "restart the tunnel behind this URL; to wait longer, set ZOHO_HOOKS_TUNNEL_TIMEOUT",
    "tunnelLost",
  );
}

/** The base URL for webhook paths. Throws a usage error. */
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
