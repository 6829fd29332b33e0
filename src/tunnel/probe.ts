import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { errorText } from "../util/errors.ts";
import {
  createNonce,
  PROBE_ADDRESS_HEADER,
  PROBE_ANSWER_HEADER,
  PROBE_HEADER,
  type ProbeKey,
} from "../util/probe-key.ts";
import { withTimeout } from "../util/timing.ts";

export interface ProbeOptions {
  readonly publicUrl: string;
  /** Key of the receiver; another process asks it. */
  readonly key: { answer(nonce: string): ReturnType<ProbeKey["answer"]> | Promise<string | undefined> };
  readonly signal: AbortSignal;
  /** Also find out whether a made-up X-Forwarded-For passes for the sender's address. */
  readonly forgesAddress?: boolean;
  /** For one request, from name resolution to the headers of the answer. */
  readonly timeoutMs?: number;
  /** A pause before each attempt. */
  readonly pausesMs?: readonly number[];
  /** Resolves early on abort. Default: real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** For a proxy, or another CA. Default: a direct connection with the system's CAs. */
  readonly dispatcher?: Dispatcher;
}

export type ProbeResult =
  /** `isForgeable`: the made-up X-Forwarded-For passed for the sender's address. */
  | { readonly ok: true; readonly latencyMs: number; readonly isForgeable: boolean }
  /** `reason` follows "a request to <url> did not arrive here: ". */
  | { readonly ok: false; readonly reason: string };

const DEFAULT_PAUSES_MS = [0, 300, 1000, 2000] as const;
const DEFAULT_TIMEOUT_MS = 5000;
/** Reserved for documentation (RFC 5737): no host has it. */
const MADE_UP_ADDRESS = "192.0.2.17";

/** Sends requests to the public URL until one arrives at the receiver with the key. Follows no redirect. */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { Agent } = await import("undici");
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const own = options.dispatcher === undefined ? new Agent({ connect: { timeout: timeoutMs } }) : undefined;
  const dispatcher = options.dispatcher ?? own;
  const sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
  let result: ProbeResult = { ok: false, reason: "not tried" };
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
        headers: {
          [PROBE_HEADER]: nonce,
          ...(options.forgesAddress === true ? { "x-forwarded-for": MADE_UP_ADDRESS } : {}),
          "ngrok-skip-browser-warning": "1",
          "user-agent": "zoho-hooks-probe",
        },
        signal,
        dispatcher,
      }),
    );
    // Only the headers count: the body of another server may be endless.
    answer.body.on("error", () => {}).destroy();
    const proof = answer.headers[PROBE_ANSWER_HEADER];
    if (proof !== undefined && proof === (await options.key.answer(nonce))) {
      const isForgeable = answer.headers[PROBE_ADDRESS_HEADER] === MADE_UP_ADDRESS;
      return { ok: true, latencyMs: performance.now() - startedAt, isForgeable };
    }
    return { ok: false, reason: describeAnswer(answer, proof !== undefined) };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    return { ok: false, reason: timedOut ? `no answer in ${timeoutMs / 1000} s` : errorText(error) };
  }
}

function describeAnswer(answer: Dispatcher.ResponseData, isReceiver: boolean): string {
  const { statusCode, headers } = answer;
  if (isReceiver) return "another zoho-hooks answers there; is a second one running on this URL?";
  const ngrokCode = printable(headers["ngrok-error-code"]);
  if (ngrokCode !== "") return `ngrok answered ${statusCode} (${ngrokCode})`;
  if (statusCode >= 300 && statusCode < 400) return `${statusCode}, a redirect to ${printable(headers.location)}`;
  if (statusCode === 401 || statusCode === 403)
    return `${statusCode}: something in front of this receiver requires a login`;
  const server = printable(headers.server);
  return `something else answered ${statusCode}${server === "" ? "" : ` (${server})`}`;
}

function printable(header: string | string[] | undefined): string {
  return String(header ?? "")
    .replace(/[^\x20-\x7e]/g, "")
    .slice(0, 200);
}
