import type { Dispatcher } from "undici";
import type { HeaderPair } from "../delivery/delivery.ts";

export interface Exchange {
  readonly status: number | undefined;
  readonly headers: readonly HeaderPair[];
  /** The first bytes of the answer, at most `maxBytes`. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** False when the answer was longer than `maxBytes`. */
  readonly complete: boolean;
  /** From undici, or the argument of `abort`. */
  readonly error: unknown;
}

export interface RunningExchange {
  readonly ended: Promise<Exchange>;
  /** Ends it with this error at any stage: queued, connecting, or in the middle of the answer. No effect after its end. */
  abort(error: Error): void;
}

/** Answers are read to their end so that the connection can be reused, up to this limit. */
export const MAX_REPLY_BYTES = 1_048_576;

/**
 * One request and its answer, on undici's handler interface: it costs much less than `request`, which creates streams and
 * signals for each. Has no timeout: the caller aborts.
 */
export function startExchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  maxBytes: number,
): RunningExchange {
  const chunks: Buffer<ArrayBuffer>[] = [];
  let length = 0;
  let status: number | undefined;
  let headers: readonly HeaderPair[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let abortedBy: Error | undefined;
  let hasEnded = false;
  let end: (error: unknown) => void = () => {};
  const ended = new Promise<Exchange>((resolve) => {
    end = (error) => {
      hasEnded = true;
      const [first, second] = chunks;
      const bytes = first !== undefined && second === undefined ? first : Buffer.concat(chunks);
      resolve({ status, headers, bytes, complete: length <= maxBytes, error });
    };
  });
  const abort = (error: Error): void => {
    if (hasEnded) return;
    abortedBy = error;
    end(error);
    controller?.abort(error);
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (abortedBy !== undefined) started.abort(abortedBy);
    },
    onResponseStart({ rawHeaders }, code) {
      // 1xx answers come before the final one.
      if (code < 200) return;
      status = code;
      headers = headerPairs(rawHeaders);
    },
    onResponseData(_, chunk) {
      // A copy, since a slice would keep the much larger buffer of the socket.
      if (length < maxBytes) chunks.push(Buffer.from(chunk.subarray(0, maxBytes - length)));
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) {
        end(undefined);
        controller?.abort(new Error("the answer is too long"));
      }
    },
    onResponseEnd: () => end(undefined),
    onResponseError: (_, error) => end(abortedBy ?? (hasNoBody(status) ? undefined : error)),
  };
  try {
    dispatcher.dispatch(request, handler);
  } catch (error) {
    end(error);
  }
  return { ended, abort };
}

/** RFC 9110, section 6.4.1. Some apps send a length with these all the same, and undici then calls the answer broken. */
function hasNoBody(status: number | undefined): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** From the flat list of names and values, in wire order. */
function headerPairs(raw: Dispatcher.DispatchController["rawHeaders"]): readonly HeaderPair[] {
  if (!Array.isArray(raw)) return [];
  const found: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) found.push([textOf(raw[i]), textOf(raw[i + 1])]);
  return found;
}

function textOf(part: Buffer | string | undefined): string {
  return typeof part === "string" ? part : (part?.toString("latin1") ?? "");
}
