import { setMaxListeners } from "node:events";
import type { Deadline } from "../core/answer-rule.ts";
import type { Reply } from "../core/product.ts";
import { plainReply } from "../core/reply.ts";
import type { ForwardReport } from "../reports/forward.ts";
import type { Log, NewAttempt } from "../store/log.ts";
import { errorText } from "../util/errors.ts";
import { answerHint, LISTEN_FLAGS } from "./answer-hint.ts";
import type { Poster, PostResult } from "./post.ts";
import { endToEnd, type ForwardSource, forwardRequest } from "./request.ts";

/** Hands a delivery on and gives the app's own answer, in the time that the sender waits. */
export interface Mirror {
  answer(target: string, source: ForwardSource): Promise<Reply>;
  /** Gives up what is under way: its senders get a 502 while their connections are still there. */
  cut(): void;
  /** Gives up what is under way, and resolves when all answers are in the log, or could not be noted there. */
  close(): Promise<void>;
}

/** What it takes to tell a sender that its time is over. */
const TELLING_MS = 500;
/** By which one of Node's may come early. */
const TIMER_JITTER_MS = 20;

export interface MirrorOptions {
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

/** Nothing is tried again later: the sender sees the failure and does that itself. */
export function createMirror({ log, poster, deadlineOf, now, showTarget, onReport, onTrouble }: MirrorOptions): Mirror {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const underWay = new Set<Promise<unknown>>();

  /** Beside the answer: a sender does not wait for a log that is locked, and gives up on one that is full. */
  function note({ n }: ForwardSource, attempt: NewAttempt, answer: Parameters<Log["setAnswer"]>[1]): void {
    const noting = Promise.all([log.recordAttempt(n, attempt), log.setAnswer(n, answer)])
      .catch((thrown: unknown) => onTrouble(`#${n}: its answer is not in the log: ${errorText(thrown)}`))
      .finally(() => underWay.delete(noting));
    underWay.add(noting);
  }

  return {
    async answer(target, source) {
      const at = now();
      const deadline = deadlineOf(source.product, source.format);
      const atMostMs = deadline.withinMs - TELLING_MS;
      const options = { wholeReply: true, signal: end.signal, atMostMs };
      const result = await poster.post(forwardRequest(source, target), options);
      const { status, latencyMs, error, replyPreview } = result;
      // The user's own time-out may be shorter than what the sender waits.
      const isLate = error?.code === "timeout" && latencyMs >= atMostMs - TIMER_JITTER_MS;
      const reply = mirroredReply(result, isLate);
      const attempt = { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
      // Asked for before the sender is answered, so that its next try is kept after this.
      note(source, attempt, { status: reply.status, refusal: error?.message });
      onReport({
        type: "forward",
        n: source.n,
        at,
        attempt: 1,
        target,
        showTarget,
        status: reply.status,
        latencyMs,
        error: error?.message,
        hint: isLate
          ? deadline.reason
          : (error?.hint ??
            deadline.takes(reply.status) ??
            answerHint(result, LISTEN_FLAGS) ??
            (result.isLegible ? deadline.reads(replyPreview) : undefined)),
        replyPreview,
        state: "mirrored",
        retryInMs: undefined,
      });
      return reply;
    },
    cut: () => end.abort(),
    async close() {
      end.abort();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

function mirroredReply({ status, headers, reply, error }: PostResult, isLate: boolean): Reply {
  if (error?.code === "timeout")
    return plainReply(504, `the app did not answer ${isLate ? "within the time that Zoho waits" : "in time"}`);
  if (error !== undefined || status === undefined)
    return plainReply(502, "the app gave no answer that can be passed on");
  return { status, contentType: "", headers: endToEnd(headers), body: reply ?? Buffer.alloc(0) };
}
