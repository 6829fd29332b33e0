import { headerValue } from "../../delivery/delivery.ts";
import type { PostResult } from "../../forward/post.ts";
import { formatDuration } from "../../util/units.ts";
import { passed, skipped } from "../finding.ts";
import { type Check, fault, isAccepted } from "./check.ts";
import { BURST, RateLimited } from "./endpoint.ts";
import { blockedBy } from "./prerequisites.ts";

const LATE = 'the guide, "Respond Quickly": a delivery that is not answered in time counts as failed and is sent again';
const QUEUE = "put the event into a queue or a table, answer 200, and do the work after that";
const AT_ONCE = `${BURST} valid deliveries at once`;
/** How many, one after the other, show how long one takes. */
const SINGLES = 3;

export const speed: readonly Check[] = [
  {
    id: "speed.deadline",
    title: "answers in time",
    why: LATE,
    remedy: QUEUE,
    events: 0,
    after: "reachable",
    async run({ baseline, subject }) {
      const answer = await baseline();
      const limit = formatDuration(subject.deadlineMs);
      if (answer.error?.code === "timeout") return fault(`no answer within ${limit}`, "a valid delivery", answer);
      if (answer.error !== undefined) return skipped("it gave no answer");
      const took = formatDuration(answer.latencyMs);
      return answer.latencyMs > subject.deadlineMs
        ? fault(`answered after ${took}; the sender waits ${limit}`, "a valid delivery", answer)
        : passed(`${took} of ${limit}`);
    },
  },
  {
    id: "speed.at-once",
    title: `answers ${BURST} at once in time`,
    why: LATE,
    remedy: QUEUE,
    events: 0,
    bursts: true,
    async run({ burst, subject }) {
      const answers = await burst();
      const lost = answers.find((answer) => !isAccepted(answer));
      if (lost !== undefined) return fault(`not all ${BURST} at once were accepted`, AT_ONCE, lost);
      const p95 = percentile95(answers);
      const times = `p95 of ${BURST} at once is ${formatDuration(p95)}; the sender waits ${formatDuration(subject.deadlineMs)}`;
      return p95 > subject.deadlineMs
        ? fault(times, AT_ONCE, "all were accepted, some too late")
        : passed(`p95 ${formatDuration(p95)}`);
    },
  },
  {
    id: "speed.answers-first",
    title: "answers first, and works later",
    onlyWarns: true,
    why: 'the guide, "Async Processing": an import of a thousand records posts a thousand events',
    remedy: QUEUE,
    events: SINGLES,
    bursts: true,
    async run({ burst, send, make, subject }) {
      const answers = await burst();
      const singles: number[] = [];
      for (let i = 0; i < SINGLES; i++) singles.push((await send(make())).latencyMs);
      const single = singles.sort((a, b) => a - b)[1] ?? 0;
      const p95 = percentile95(answers);
      const times = `${formatDuration(single)} for one, ${formatDuration(p95)} for one of ${BURST} at once`;
      const sent = `${SINGLES} valid deliveries, and ${BURST} at once`;
      if (p95 <= subject.deadlineMs / 4) return passed(`${formatDuration(single)}, p95 ${formatDuration(p95)}`);
      return p95 > 4 * single
        ? fault("the time grows with the number of events", sent, times)
        : fault(`it takes ${formatDuration(single)} to answer`, sent, times);
    },
  },
];

/** The one finding about answers of 429, whichever check has met them. */
export const rateLimit: Check = {
  id: "speed.rate-limit",
  title: "does not limit its rate",
  why: 'the guide, "Missing Webhook Events": rate limiting on the endpoint is one of the causes',
  remedy: `leave this path out of the limit, or allow bursts; where the work is slow, ${QUEUE}`,
  events: 0,
  bursts: true,
  after: "reachable",
  async run(endpoint) {
    try {
      const reason = await blockedBy({}, endpoint);
      if (reason !== undefined) return skipped(reason);
      await endpoint.burst();
    } catch (error) {
      if (!(error instanceof RateLimited)) throw error;
    }
    const limit = endpoint.rateLimit();
    if (limit === undefined) return passed();
    const { requests, answer } = limit;
    const retryAfter = headerValue(answer, "retry-after");
    const asked = retryAfter === undefined ? "" : `, Retry-After: ${retryAfter}`;
    return fault(`it limits its rate: 429 within ${requests} requests`, `${requests} requests`, `429${asked}`);
  },
};

function percentile95(answers: readonly PostResult[]): number {
  const sorted = answers.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
