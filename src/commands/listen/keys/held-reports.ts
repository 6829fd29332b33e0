import type { Report } from "../../../process/messages.ts";
import type { Context } from "../../../project/context.ts";
import { counted } from "../../../util/units.ts";

/** The event log has them all, so memory need not. */
const MAX_REPORTS = 2000;
const MAX_BODY_BYTES = 8_000_000;

/** Reports that are shown later: while the output is paused, or another program has the terminal. */
export function createHeldReports() {
  let reports: Report[] = [];
  let bodyBytes = 0;
  let left = 0;
  return {
    add(report: Report): void {
      const bytes = report.type === "event" ? report.body.length : 0;
      if (reports.length >= MAX_REPORTS || bodyBytes + bytes > MAX_BODY_BYTES) {
        left++;
        return;
      }
      bodyBytes += bytes;
      reports.push(report);
    },
    count: () => reports.length + left,
    /** Shows them all. */
    release(report: Context["report"]): void {
      const [held, more] = [reports, left];
      [reports, bodyBytes, left] = [[], 0, 0];
      for (const each of held) report(each);
      if (more === 0) return;
      const message = `${counted(more, "report was", "reports were")} left out while the output was paused`;
      report({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
    },
  };
}
