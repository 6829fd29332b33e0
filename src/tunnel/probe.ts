import { setTimeout as pause } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { createNonce, PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../core/probe-key.ts";
import { errorText } from "../util/errors.ts";
import { withTimeout } from "../util/timing.ts";

export interface ProbeOptions {
  readonly publicUrl: string;
  readonly key: ProbeKey;
  readonly signal: AbortSignal;
  /** For one request, from the name's resolution to the answer's headers. */
  readonly timeoutMs?: number;
  /** Pauses before each try; their number is the number of tries. */
  readonly pausesMs?: readonly number[];
  /** Waits, and resolves early on abort; by the real clock unless it is given. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Another connection than a direct one with the system's CAs: through a proxy, or with a CA of one's own. */
  readonly dispatcher?: Dispatcher;
}

export type ProbeResult =
  | { readonly ok: true; readonly latencyMs: number }
  /** What came instead, ready to follow "a request to <url> did not arrive here: ". */
  | { readonly ok: false; readonly reason: string };

const DEFAULT_PAUSES_MS = [0, 300, 1000, 2000] as const;
const DEFAULT_TIMEOUT_MS = 5000;

/** Sends requests to the public URL until one arrives at the receiver that holds the key. Follows no redirect. */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { Agent } = await import("undici");
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const own = options.dispatcher === undefined ? new Agent({ connect: { timeout: timeoutMs } }) : undefined;
  const dispatcher = options.dispatcher ?? own;
  const sleep = options.sleep ?? ((ms, signal) => pause(ms, undefined, { signal }));
  let result: ProbeResult = { ok: false, reason: "it was not tried" };
  try {
    for (const pauseMs of options.pausesMs ?? DEFAULT_PAUSES_MS) {
      await sleep(pauseMs, options.signal);
      options.signal.throwIfAborted();
      result = await probeOnce(options, dispatcher, timeoutMs);
      if (result.ok) break;
      options.signal.throwIfAborted();
    }
    return result;
  } finally {
    await own?.destroy();
  }
}

async function probeOnce(
  options: ProbeOptions,
  dispatcher: Dispatcher | undefined,
  timeoutMs: number,
): Promise<ProbeResult> {
  const { request } = await import("undici");
  const nonce = createNonce();
  const startedAt = performance.now();
  try {
    const answer = await withTimeout(timeoutMs, [options.signal], (signal) =>
      request(`${options.publicUrl}/readyz`, {
        headers: { [PROBE_HEADER]: nonce, "ngrok-skip-browser-warning": "1", "user-agent": "zoho-hooks-probe" },
        signal,
        ...(dispatcher === undefined ? {} : { dispatcher }),
      }),
    );
    // Only the headers count; a stranger's endless body is not read.
    answer.body.on("error", () => {}).destroy();
    const seen = answer.headers[PROBE_ANSWER_HEADER];
    if (seen !== undefined && seen === options.key.answer(nonce)) {
      return { ok: true, latencyMs: performance.now() - startedAt };
    }
    return { ok: false, reason: whatAnswered(answer, seen !== undefined) };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    return { ok: false, reason: timedOut ? `no answer in ${timeoutMs / 1000} s` : errorText(error) };
  }
}

function whatAnswered(answer: Dispatcher.ResponseData, isReceiver: boolean): string {
  const { statusCode, headers } = answer;
  if (isReceiver) return "another zoho-hooks answers there; is a second one running on this URL?";
  const ngrokCode = printable(headers["ngrok-error-code"]);
  if (ngrokCode !== "") return `ngrok answered ${statusCode} (${ngrokCode})`;
  if (statusCode >= 300 && statusCode < 400) return `${statusCode}, a redirect to ${printable(headers.location)}`;
  if (statusCode === 401 || statusCode === 403)
    return `${statusCode}: something in front of this receiver asks for a login`;
  const server = printable(headers.server);
  return `something else answered ${statusCode}${server === "" ? "" : ` (${server})`}`;
}

function printable(header: string | string[] | undefined): string {
  return String(header ?? "")
    .replace(/[^\x20-\x7e]/g, "")
    .slice(0, 200);
}
