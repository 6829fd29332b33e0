import { headerValue } from "../core/delivery.ts";
import type { ForwardReport } from "../core/forward-report.ts";
import type { Reply } from "../core/product.ts";
import { plainReply } from "../core/reply.ts";
import type { Log } from "../store/log.ts";
import { type ForwardSource, forwardRequest } from "./forward-request.ts";
import type { Poster, PostResult } from "./post.ts";

/** Hands a delivery on and gives the app's own answer, in the time that the sender waits. */
export type Mirror = (target: string, source: ForwardSource) => Promise<Reply>;

/** The guide's ten seconds, less what it takes to say so. */
export const MIRROR_BUDGET_MS = 9_500;

export interface MirrorOptions {
  readonly log: Pick<Log, "recordAttempt" | "setAnswer">;
  /** Opened with `MIRROR_BUDGET_MS` at most. */
  readonly poster: Poster;
  now(): Date;
  onReport(report: ForwardReport): void;
}

/** Nothing is tried again: the sender sees the failure and does that itself. */
export function createMirror({ log, poster, now, onReport }: MirrorOptions): Mirror {
  return async (target, source) => {
    const at = now();
    const result = await poster.post(forwardRequest(source, target), { wholeReply: true });
    const { status, latencyMs, error, replyPreview } = result;
    const reply = mirroredReply(result, target);
    const attempt = await log.recordAttempt(source.n, {
      target,
      at,
      status,
      latencyMs,
      error: error?.message,
      reply: replyPreview,
    });
    await log.setAnswer(source.n, { status: reply.status, refusal: error?.message });
    onReport({
      type: "forward",
      n: source.n,
      attempt,
      target,
      status: reply.status,
      latencyMs,
      error: error?.message,
      hint: error?.hint,
      replyPreview,
      state: "mirrored",
      retryInMs: undefined,
    });
    return reply;
  };
}

function mirroredReply({ status, headers, reply, error }: PostResult, target: string): Reply {
  if (error?.code === "timeout") return plainReply(504, "the app did not answer within the time that Zoho waits");
  if (error !== undefined || status === undefined)
    return plainReply(502, `the app could not be reached at ${new URL(target).host}`);
  const contentType = headerValue({ headers }, "content-type");
  return { status, contentType: contentType ?? "application/octet-stream", body: reply ?? Buffer.alloc(0) };
}
