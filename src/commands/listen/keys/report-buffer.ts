import type { Report } from "../../../reports/report.ts";
import { counted } from "../../../util/units.ts";

/** The event log has them all, so memory need not. */
const MAX_REPORTS = 2000;
const MAX_BODY_BYTES = 8_000_000;

/** Reports that are shown later: while the output is paused, or another program has the terminal. */
export class ReportBuffer {
  #reports: Report[] = [];
  #bodyBytes = 0;
  #dropped = 0;

  add(report: Report): void {
    const bytes = report.type === "event" ? report.body.length : 0;
    if (this.#reports.length >= MAX_REPORTS || this.#bodyBytes + bytes > MAX_BODY_BYTES) {
      this.#dropped++;
      return;
    }
    this.#bodyBytes += bytes;
    this.#reports.push(report);
  }

  /** Including those that were left out. */
  get count(): number {
    return this.#reports.length + this.#dropped;
  }

  /** Shows them all, and says how many were left out. */
  release(show: (report: Report) => void): void {
    const [reports, dropped] = [this.#reports, this.#dropped];
    this.#reports = [];
    this.#bodyBytes = 0;
    this.#dropped = 0;
    for (const each of reports) show(each);
    if (dropped === 0) return;
    const message = `${counted(dropped, "report was", "reports were")} left out while the output was paused`;
    show({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
  }
}
