import type { Dispatcher } from "undici";
import type { HeaderPair } from "../body/delivery.ts";

export interface Exchange {
  readonly status: number | undefined;
  readonly headers: readonly HeaderPair[];
  /** The answer's first bytes, as many as were to be kept. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** False when the answer was longer than what was to be kept of it. */
  readonly complete: boolean;
  /** What undici threw, or what `cut` was called with. */
  readonly error: unknown;
}

export interface RunningExchange {
  readonly ended: Promise<Exchange>;
  /** Ends it with this error, wherever it is: in the queue, while connecting, or in the middle of the answer. Nothing after its end. */
  cut(error: Error): void;
}

/** An answer is read to its end so that its connection can be used again, but not without limit. */
export const MAX_REPLY_BYTES = 1_048_576;

/**
 * One request and its answer on undici's handler interface, which spares the streams and signals that its `request`
 * makes for each. Takes no time-out: that is the caller's to `cut`.
 */
export function startExchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  keepBytes: number,
): RunningExchange {
  const chunks: Buffer<ArrayBuffer>[] = [];
  let length = 0;
  let status: number | undefined;
  let headers: readonly HeaderPair[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let cutBy: Error | undefined;
  let hasEnded = false;
  let end: (error: unknown) => void = () => {};
  const ended = new Promise<Exchange>((resolve) => {
    end = (error) => {
      hasEnded = true;
      const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      resolve({ status, headers, bytes, complete: length <= keepBytes, error });
    };
  });
  const cut = (error: Error): void => {
    if (hasEnded) return;
    cutBy = error;
    end(error);
    controller?.abort(error);
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (cutBy !== undefined) started.abort(cutBy);
    },
    onResponseStart({ rawHeaders }, code) {
      // Interim answers come before the one that counts.
      if (code < 200) return;
      status = code;
      headers = pairs(rawHeaders);
    },
    onResponseData(_, chunk) {
      // Copied, for the socket's buffer is far larger than what is kept of it.
      if (length < keepBytes) chunks.push(Buffer.from(chunk.subarray(0, keepBytes - length)));
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) {
        end(undefined);
        controller?.abort(new Error("the rest of the answer is not wanted"));
      }
    },
    onResponseEnd: () => end(undefined),
    onResponseError: (_, error) => end(cutBy ?? (hasNoBody(status) ? undefined : error)),
  };
  try {
    dispatcher.dispatch(request, handler);
  } catch (error) {
    end(error);
  }
  return { ended, cut };
}

/**
 * With these all is said once the head is there (RFC 9110, section 6.4.1). Some apps announce a length all the same, for which
 * undici calls the answer broken.
 */
function hasNoBody(status: number | undefined): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** One flat list of names and values, as the bytes stood on the wire. */
function pairs(raw: Dispatcher.DispatchController["rawHeaders"]): readonly HeaderPair[] {
  if (!Array.isArray(raw)) return [];
  const found: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) found.push([textOf(raw[i]), textOf(raw[i + 1])]);
  return found;
}

function textOf(part: Buffer | string | undefined): string {
  return typeof part === "string" ? part : (part?.toString("latin1") ?? "");
}
