import { z } from "zod";
import { changes } from "../../history/changes.ts";
import { readFilter } from "../../history/filter.ts";
import { SharedLog } from "../../inspector/shared-log.ts";
import { text } from "../../operations/index.ts";
import { projectProducts } from "../../own-products/project-products.ts";
import type { Context } from "../../project/context.ts";
import { overrideContext } from "../../project/context.ts";
import { loadConfig } from "../../project/load.ts";
import { readProject } from "../../project/project.ts";
import { checkTrust, requireTrust } from "../../project/trust.ts";
import { usageError } from "../../util/errors.ts";
import { firstOf } from "../../util/timing.ts";
import { type Answer, readInput } from "./answer.ts";
import type { CallTool } from "./calls.ts";

/** Many clients cancel a call after a minute by default. */
const MAX_WAIT_SECONDS = 600;
/** Beyond it, what is older than the oldest of them is no longer waited for. */
const MAX_REMEMBERED = 1000;

/** The tool that is not in the table: only an agent waits so. */
export const WAIT_FOR_EVENT = {
  name: "wait_for_event",
  description:
    "Wait for the next delivery that has not been returned yet, since this server was started. Needs a running zoho-hooks listen.",
  input: () =>
    z.strictObject({
      event: text().optional().describe("pattern such as crm:Leads.*"),
      timeout_seconds: z.number().min(0).max(MAX_WAIT_SECONDS).default(30),
    }),
};

export async function createWait(context: Context, call: CallTool) {
  const passed = new Passed(await newestEvent(context).catch(() => 0));
  return async (given: unknown, signal: AbortSignal): Promise<Answer> => {
    const { event, timeout_seconds: seconds } = readInput(WAIT_FOR_EVENT.name, WAIT_FOR_EVENT.input(), given);
    const config = loadConfig(overrideContext(context, { project: await requireTrust(context) }));
    const products = await projectProducts(config, { schemas: false });
    const filter = readFilter(event === undefined ? {} : { event: [event] }, context.now(), products);
    const log = new SharedLog(context, config);
    const until = performance.now() + seconds * 1000;
    try {
      const from = { ...(await log.ends()), newest: passed.start };
      for await (const { rows } of changes(log, { from, filter, signal, until })) {
        for (const n of passed.inOrder(rows)) {
          if (!(await passed.claim(n, { signal, until }))) continue;
          let isReturned = false;
          try {
            const answer = await call("get_event", { n }, signal);
            isReturned = !answer.isError;
            return answer;
          } finally {
            passed.settle(n, isReturned);
          }
        }
      }
      if (signal.aborted) throw signal.reason;
      throw usageError(`no ${event ?? "event"} came within ${seconds} s`, "is zoho-hooks listen running?");
    } finally {
      await log.close();
    }
  };
}

/** Which events were returned. Each wait has its own filter, so an older event may be returned after a newer one. */
class Passed {
  /** The events up to this number are not waited for. */
  start: number;
  readonly #returned = new Set<number>();
  /** Those of calls that run now, so that two waits at once return two events. Each signal aborts when its claim ends. */
  readonly #claims = new Map<number, AbortController>();

  constructor(start: number) {
    this.start = start;
  }

  /** The numbers of events that were not returned, first those that no other wait returns now. */
  inOrder(events: readonly { readonly n: number }[]): readonly number[] {
    const numbers = events.map(({ n }) => n).filter((n) => !this.#isReturned(n));
    return numbers.toSorted((a, b) => Number(this.#claims.has(a)) - Number(this.#claims.has(b)));
  }

  /** Waits while another wait returns the event, for it may yet fail to. False once it was returned, and at the end of the time. */
  async claim(
    n: number,
    { signal, until }: { readonly signal: AbortSignal; readonly until: number },
  ): Promise<boolean> {
    for (let other = this.#claims.get(n); other !== undefined; other = this.#claims.get(n))
      if ((await firstOf([signal, other.signal], until - performance.now())) === "timeout" || signal.aborted)
        return false;
    if (this.#isReturned(n)) return false;
    this.#claims.set(n, new AbortController());
    return true;
  }

  /** Ends a claim. An event that was not returned can be claimed again. */
  settle(n: number, isReturned: boolean): void {
    const claim = this.#claims.get(n);
    this.#claims.delete(n);
    claim?.abort();
    if (!isReturned || n <= this.start) return;
    this.#returned.add(n);
    if (this.#returned.size <= MAX_REMEMBERED) return;
    this.start = Math.min(...this.#returned);
    this.#returned.delete(this.start);
  }

  #isReturned(n: number): boolean {
    return n <= this.start || this.#returned.has(n);
  }
}

/** 0 in a folder that is not trusted, or where there is no log. Rejects where the settings or the log cannot be read. */
async function newestEvent(context: Context): Promise<number> {
  const { open, trusted } = await checkTrust(context, readProject(context));
  if (open.length > 0) return 0;
  const log = new SharedLog(context, loadConfig(overrideContext(context, { project: trusted })));
  try {
    return (await log.ends()).newest;
  } finally {
    await log.close();
  }
}
