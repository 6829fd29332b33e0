import { dayHeadings } from "../history/entry.ts";
import { type EventNumber, requireEntry, requireWholeBody, useLog } from "../history/open-log.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { InputPayload } from "./read-input.ts";

/** A delivery of the log as an input of `verify`. */
export interface LoggedInput {
  readonly file: string;
  readonly payload: InputPayload;
}

export async function loggedInput(workspace: Workspace, n: EventNumber): Promise<LoggedInput> {
  const entry = await useLog(workspace, async (log) => requireWholeBody(await requireEntry(log, n)));
  const { delivery, product, receivedAt: at } = entry;
  const arrival = { ...entry, day: dayHeadings(workspace.now())(at) };
  return {
    file: `#${entry.n}`,
    payload: { line: undefined, delivery, complete: true, inPlace: false, product, at, arrival, problem: undefined },
  };
}
