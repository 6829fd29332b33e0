import type { Log, NewAttempt } from "../log/log.ts";
import { plainReply, type Reply } from "../model/product.ts";
import type { Deadline } from "../model/sender.ts";
import { errorText } from "../util/errors.ts";
import { rounded } from "../util/json-line.ts";
import { LISTEN_FLAGS } from "./answer-hint.ts";
import type { ForwardReport } from "./lines.ts";
import type { Poster, PostResult } from "./post.ts";
import { answerHint } from "./post-failure.ts";
import { endToEnd, type ForwardSource, forwardRequest } from "./request.ts";

interface MirrorOptions {
  readonly log: Pick<Log, "recordAttempt" | "setAnswer">;
  readonly poster: Poster;
  /** How long the sender of such a delivery waits. */
  deadlineOf(product: string | undefined, format: string | undefined): Deadline;
  now(): Date;
  /** There are several targets. */
  readonly showTarget: boolean;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

export type Mirror = ReturnType<typeof createMirror>;

/** Reserved for the reply to a sender whose deadline is over. */
const REPLY_MS = 500;
/** Node's timers may fire that much early. */
const TIMER_JITTER_MS = 20;

/**
 * Forwards deliveries while their senders wait, and answers with the app's own answers. Nothing is retried: the sender
 * sees the failure and retries itself.
 */
export function createMirror({ log, poster, deadlineOf, now, showTarget, onReport, onTrouble }: MirrorOptions) {
  const interrupting = new AbortController();
  const pending = new Set<Promise<unknown>>();

  /** Not awaited: a sender must not wait for a log that is locked. */
  function record({ n }: ForwardSource, attempt: NewAttempt, answer: Parameters<Log["setAnswer"]>[1]): void {
    const recording = Promise.all([log.recordAttempt(n, attempt), log.setAnswer(n, answer)])
      .catch((error: unknown) => onTrouble(`#${n}: its answer could not be recorded: ${errorText(error)}`))
      .finally(() => pending.delete(recording));
    pending.add(recording);
  }

  return {
    async answer(target: string, source: ForwardSource): Promise<Reply> {
      const at = now();
      const deadline = deadlineOf(source.product, source.format);
      const atMostMs = deadline.withinMs - REPLY_MS;
      const options = { wholeReply: true, signal: interrupting.signal, atMostMs };
      const result = await poster.post(forwardRequest(source, target), options);
      const { status, latencyMs, error, replyPreview } = result;
      // The setting forwardTimeout may be shorter than the sender's deadline.
      const isLate = error?.code === "timeout" && latencyMs >= atMostMs - TIMER_JITTER_MS;
      const reply = mirroredReply(result, isLate);
      const attempt = { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
      // Queued before the sender is answered, so that its next attempt is recorded after this one.
      record(source, attempt, { status: reply.status, refusal: error?.message });
      const hint =
        error?.hint ??
        deadline.statusHint(reply.status) ??
        answerHint(result, LISTEN_FLAGS) ??
        (result.isLegible ? deadline.bodyHint(replyPreview) : undefined);
      onReport({
        type: "forward",
        n: source.n,
        at: at.toJSON(),
        attempt: 1,
        target,
        status: reply.status,
        latency_ms: rounded(latencyMs),
        error: error?.message ?? null,
        hint: (isLate ? deadline.reason : hint) ?? null,
        state: "mirrored",
        retry_in_ms: null,
        person: { showTarget, reply: replyPreview },
      });
      return reply;
    },
    /** Aborts pending requests: their senders get a 502 while their connections are still open. */
    interrupt(): void {
      interrupting.abort();
    },
    /** Aborts pending requests, and resolves when all answers are recorded or have failed to be. */
    async close(): Promise<void> {
      interrupting.abort();
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

function mirroredReply({ status, headers, reply, error }: PostResult, isLate: boolean): Reply {
  if (error?.code === "timeout")
    return plainReply(504, `the app did not answer ${isLate ? "within the time that Zoho waits" : "in time"}`);
  if (error !== undefined || status === undefined) return plainReply(502, "the app sent no usable answer");
  return { status, contentType: "", headers: endToEnd(headers), body: reply ?? Buffer.alloc(0) };
}
