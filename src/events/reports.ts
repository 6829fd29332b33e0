import type { EventReport, LoggedFacts } from "../receiver/event-report.ts";

/** One delivery in full. */
export interface EntryReport {
  readonly type: "entry";
  readonly event: EventReport & { readonly logged: LoggedFacts };
}
