import type { SelfProcess } from "../../process/runtime.ts";
import type { Context } from "../../project/context.ts";
import { usageError } from "../../util/errors.ts";
import { onAbort } from "../../util/timing.ts";
import type { Answer, CallMessage, ThreadAnswer } from "./answer.ts";

const MAX_CALLS_AT_ONCE = 4;
/** Each may hold an input of 10 MB. */
const MAX_WAITING_CALLS = 100;
/** How long a call may take to end in order once it was cancelled: then its thread is stopped. */
const CANCEL_GRACE_MS = 1000;

/** Calls a tool of the table. Rejects where it is cancelled, or its thread ended. */
export type CallTool = (tool: string, input: unknown, signal: AbortSignal) => Promise<Answer>;

/** Runs calls in threads, each of which has one at a time. */
export function createCalls(context: Context, { allowRemote }: { readonly allowRemote: boolean }) {
  const limited = createLimiter(MAX_CALLS_AT_ONCE);
  const threads = new Set<CallThread>();
  const { invocation } = context;

  const start = (): CallThread => {
    const thread = new CallThread(context.startThread(["mcp"]));
    threads.add(thread);
    void thread.ended.then(() => threads.delete(thread));
    return thread;
  };
  const idle = (): CallThread | undefined => [...threads].find((thread) => !thread.isBusy);
  const call: CallTool = (tool, input, signal) =>
    limited(signal, async () => {
      const thread = idle() ?? start();
      const { hasRunModules, ...answer } = await thread.call({ tool, input, allowRemote, invocation }, signal);
      if (hasRunModules) retire(thread);
      return answer;
    });
  /** A new thread reads modules of the user anew. It is started before the next call needs it. */
  const retire = (thread: CallThread): void => {
    threads.delete(thread);
    thread.end();
    prepare();
  };
  const prepare = (): void => {
    if (idle() === undefined) start();
  };
  return {
    call,
    /** Starts a thread, for the first call not to wait for it. */
    prepare,
    close(): void {
      for (const thread of threads) thread.end();
    },
  };
}

class CallThread {
  readonly #thread: SelfProcess;
  #answered: ((answer: ThreadAnswer) => void) | undefined;

  constructor(thread: SelfProcess) {
    this.#thread = thread;
    thread.onMessage((message) => this.#answered?.(message as ThreadAnswer));
  }

  get isBusy(): boolean {
    return this.#answered !== undefined;
  }

  get ended(): Promise<string> {
    return this.#thread.ended;
  }

  async call(message: CallMessage, signal: AbortSignal): Promise<ThreadAnswer> {
    const answer = new Promise<ThreadAnswer>((resolve) => {
      this.#answered = resolve;
    });
    let timer: NodeJS.Timeout | undefined;
    const stopWaiting = onAbort(signal, () => {
      this.#thread.send("cancel" satisfies CallMessage);
      timer = setTimeout(() => this.end(), CANCEL_GRACE_MS);
    });
    this.#thread.send(message);
    try {
      return await Promise.race([answer, this.ended.then((error) => Promise.reject(endedError(error)))]);
    } finally {
      this.#answered = undefined;
      stopWaiting();
      clearTimeout(timer);
      signal.throwIfAborted();
    }
  }

  end(): void {
    this.#thread.end();
  }
}

function endedError(error: string): Error {
  return usageError(
    `the call was ended by ${error === "" ? "process.exit()" : `an error that nothing caught: ${error}`}`,
    "look for it in the schema modules of the project: the server goes on, so call it again after that",
  );
}

/**
 * Runs at most `count` jobs at once, the others in turn; one whose signal aborts by then rejects. Rejects with a usage error where
 * too many wait.
 */
function createLimiter(count: number) {
  const waiting = new Set<() => void>();
  let free = count;
  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = (): void => {
        waiting.delete(start);
        stopWaiting();
        resolve();
      };
      waiting.add(start);
      const stopWaiting = onAbort(signal, () => {
        waiting.delete(start);
        reject(signal.reason);
      });
    });
  return async <T>(signal: AbortSignal, job: () => Promise<T>): Promise<T> => {
    if (waiting.size >= MAX_WAITING_CALLS)
      throw usageError(`${MAX_WAITING_CALLS} calls wait already`, "call it again when some of them have ended");
    if (free > 0) free--;
    else await turn(signal);
    try {
      signal.throwIfAborted();
      return await job();
    } finally {
      const [next] = waiting;
      if (next === undefined) free++;
      else next();
    }
  };
}
