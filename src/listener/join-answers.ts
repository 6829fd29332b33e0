import type { ForwardReport } from "../forward/lines.ts";
import { isDelivered } from "../forward/post-failure.ts";
import type { NoticeReport } from "../process/messages.ts";
import { type EventReport, eventReport } from "../receiver/event-report.ts";
import type { ListenReport } from "./lines.ts";

/** Too short to be noticed, and long enough for most apps. */
const ANSWER_WAIT_MS = 150;

interface Held {
  event: EventReport;
  readonly until: number;
  /** What is said about it below its line. */
  readonly notices: NoticeReport[];
}

/**
 * Reports an event together with its app's answer, as one line for a person, if the answer comes within a moment. Events keep
 * their order, and no event waits longer than that moment. All but a first, plain success is reported by itself.
 */
export function joinAnswers(report: (report: ListenReport) => void): (report: ListenReport) => void {
  const held: Held[] = [];
  let timer: NodeJS.Timeout | undefined;

  function release(count: number): void {
    for (const { event, notices } of held.splice(0, count)) {
      for (const each of [event, ...notices]) report(each);
    }
  }

  function releaseDone(): void {
    clearTimeout(timer);
    const now = performance.now();
    const open = held.findIndex(({ event, until }) => event.person.answer === undefined && until > now);
    release(open === -1 ? held.length : open);
    const [first] = held;
    timer = first && setTimeout(releaseDone, first.until - now);
  }

  return (each) => {
    if (each.type === "event") {
      const mayBeAnswered = each.person.event.shown && each.refusal === null;
      held.push({ event: each, until: mayBeAnswered ? performance.now() + ANSWER_WAIT_MS : 0, notices: [] });
    } else if (each.type === "forward") {
      const i = held.findIndex(({ event }) => event.n === each.n);
      const found = held[i];
      if (found !== undefined && isPlainSuccess(each)) {
        const { event, ...person } = found.event.person;
        found.event = eventReport(event, { ...person, answer: each });
      } else {
        release(i + 1);
        report(each);
      }
    } else if (each.type === "notice" && each.below && held.length > 0) held.at(-1)?.notices.push(each);
    else {
      release(held.length);
      report(each);
    }
    releaseDone();
  };
}

function isPlainSuccess(report: ForwardReport): boolean {
  return isDelivered(report) && report.attempt === 1 && !report.person.showTarget && report.hint === null;
}
