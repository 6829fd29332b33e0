import { z } from "zod";
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
import { type Answer, readInput } from "./answer.ts";
import type { CallTool } from "./calls.ts";

/** Many clients cancel a call after a minute by default. */
const MAX_WAIT_SECONDS = 600;
const POLL_MS = 200;
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
    let after = passed.start;
    const until = performance.now() + seconds * 1000;
    try {
      for (;;) {
        const n = await log.use(async (open) => {
          let areReturned = true;
          for await (const row of open.rows({ ...filter, after }, { order: "oldest" })) {
            if (passed.claim(row.n)) return row.n;
            // Another wait may yet fail to return it.
            areReturned &&= passed.isReturned(row.n);
            // So that the next look does not list it again.
            if (areReturned) after = row.n;
          }
          return undefined;
        }, undefined);
        if (n !== undefined) {
          let isReturned = false;
          try {
            const answer = await call("get_event", { n }, signal);
            isReturned = !answer.isError;
            return answer;
          } finally {
            passed.settle(n, isReturned);
          }
        }
        if (signal.aborted) throw signal.reason;
        if (performance.now() >= until)
          throw usageError(`no ${event ?? "event"} came within ${seconds} s`, "is zoho-hooks listen running?");
        await context.sleep(POLL_MS, signal);
      }
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
  /** Those of calls that run now, so that two waits at once return two events. */
  readonly #claimed = new Set<number>();

  constructor(start: number) {
    this.start = start;
  }

  isReturned(n: number): boolean {
    return n <= this.start || this.#returned.has(n);
  }

  /** False for an event that was returned, or that another wait returns now. */
  claim(n: number): boolean {
    if (this.isReturned(n) || this.#claimed.has(n)) return false;
    this.#claimed.add(n);
    return true;
  }

  /** Ends a claim. An event that was not returned can be claimed again. */
  settle(n: number, isReturned: boolean): void {
    this.#claimed.delete(n);
    if (!isReturned || n <= this.start) return;
    this.#returned.add(n);
    if (this.#returned.size <= MAX_REMEMBERED) return;
    this.start = Math.min(...this.#returned);
    this.#returned.delete(this.start);
  }
}

/** 0 in a folder that is not trusted, or where there is no log. Rejects where the settings or the log cannot be read. */
async function newestEvent(context: Context): Promise<number> {
  const { open, trusted } = await checkTrust(context, readProject(context));
  if (open.length > 0) return 0;
  const log = new SharedLog(context, loadConfig(overrideContext(context, { project: trusted })));
  try {
    return await log.use(async (open) => (await open.ends()).newest, 0);
  } finally {
    await log.close();
  }
}
