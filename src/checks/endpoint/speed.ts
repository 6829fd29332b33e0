import type { PostResult } from "../../forward/post.ts";
import { formatDuration } from "../../util/units.ts";
import { type Check, failed, isAccepted, passed, skipped } from "./check.ts";
import { BURST } from "./endpoint.ts";

const LATE = 'the guide, "Respond Quickly": a delivery that is not answered in time counts as failed and comes again';
const QUEUE = "put the event into a queue or a table, answer 200, and do the work after that";
/** How many, one after the other, show how long one takes. */
const SINGLES = 3;

export const speed: readonly Check[] = [
  {
    id: "speed.deadline",
    title: "answers in time",
    severity: "error",
    why: LATE,
    remedy: QUEUE,
    events: 0,
    after: "reachable",
    async run(endpoint) {
      const answer = await endpoint.baseline();
      const { deadlineMs } = endpoint.subject;
      const limit = formatDuration(deadlineMs);
      if (answer.error?.code === "timeout") return failed(`no answer within ${limit}`, "a valid delivery", answer);
      if (answer.error !== undefined) return skipped("it gave no answer");
      const took = formatDuration(answer.latencyMs);
      return answer.latencyMs > deadlineMs
        ? failed(`answered after ${took}; the sender waits ${limit}`, "a valid delivery", answer)
        : passed(`${took} of ${limit}`);
    },
  },
  {
    id: "speed.at-once",
    title: `answers ${BURST} at once in time`,
    severity: "error",
    why: LATE,
    remedy: QUEUE,
    events: BURST,
    after: "accepted",
    async run(endpoint) {
      const { deadlineMs } = endpoint.subject;
      const answers = await endpoint.burst();
      const p95 = percentile95(answers);
      const limit = formatDuration(deadlineMs);
      const lost = answers.find((answer) => !isAccepted(answer));
      if (lost !== undefined)
        return failed(`not all ${BURST} at once were accepted`, `${BURST} valid deliveries at once`, lost);
      return p95 > deadlineMs
        ? failed(
            `p95 of ${BURST} at once is ${formatDuration(p95)}; the sender waits ${limit}`,
            `${BURST} valid deliveries at once`,
            "all were accepted, some too late",
          )
        : passed(`p95 ${formatDuration(p95)}`);
    },
  },
  {
    id: "speed.answers-first",
    title: "answers first, and works later",
    severity: "warning",
    why: 'the guide, "Async Processing": an import of a thousand records posts a thousand events',
    remedy: QUEUE,
    events: SINGLES,
    after: "accepted",
    async run(endpoint) {
      const answers = await endpoint.burst();
      const singles: number[] = [];
      for (let i = 0; i < SINGLES; i++) singles.push((await endpoint.send(endpoint.make())).latencyMs);
      const single = singles.sort((a, b) => a - b)[1] ?? 0;
      const p95 = percentile95(answers);
      const times = `${formatDuration(single)} for one, ${formatDuration(p95)} for one of ${BURST} at once`;
      const sent = `${SINGLES} valid deliveries, and ${BURST} at once`;
      if (p95 <= endpoint.subject.deadlineMs / 4)
        return passed(`${formatDuration(single)}, p95 ${formatDuration(p95)}`);
      return p95 > 4 * single
        ? failed("the time grows with the number of events", sent, times)
        : failed(`it takes ${formatDuration(single)} to answer`, sent, times);
    },
  },
];

function percentile95(answers: readonly PostResult[]): number {
  const sorted = answers.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
