import { z } from "zod";
import { projectProducts } from "../../custom/project-products.ts";
import { readFilter } from "../../events/filter.ts";
import { newestNumber } from "../../events/open-log.ts";
import { SharedLog } from "../../inspector/shared-log.ts";
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

/** The tool that is not in the table: only an agent waits so. */
export const WAIT_FOR_EVENT = {
  name: "wait_for_event",
  description:
    "Wait for the next delivery that has not been returned yet, since this server was started. Needs a running zoho-hooks listen.",
  input: () =>
    z.strictObject({
      event: z
        .string()
        .refine((value) => !value.includes("\0"), "a NUL character (U+0000) is not allowed")
        .optional()
        .describe("pattern such as crm:Leads.*"),
      timeout_seconds: z.number().min(0).max(MAX_WAIT_SECONDS).default(30),
    }),
};

export async function createWait(context: Context, call: CallTool) {
  /** Number of the last event that was returned, or that was there at the start. */
  let last = await newestEvent(context).catch(() => 0);
  return async (given: unknown, signal: AbortSignal): Promise<Answer> => {
    const { event, timeout_seconds: seconds } = readInput(WAIT_FOR_EVENT.name, WAIT_FOR_EVENT.input(), given);
    const config = loadConfig(overrideContext(context, { project: await requireTrust(context) }));
    const products = await projectProducts(config, { schemas: false });
    const filter = readFilter(event === undefined ? {} : { event: [event] }, context.now(), products);
    const log = new SharedLog(context, config);
    const until = performance.now() + seconds * 1000;
    try {
      for (;;) {
        const n = await log.use(async (open) => {
          for await (const row of open.rows({ ...filter, after: last }, { limit: 1, order: "oldest" })) return row.n;
          return undefined;
        }, undefined);
        if (n !== undefined) {
          last = n;
          return await call("get_event", { n }, signal);
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

/** 0 in a folder that is not trusted, or where there is no log. Rejects where the settings or the log cannot be read. */
async function newestEvent(context: Context): Promise<number> {
  const { open, trusted } = await checkTrust(context, readProject(context));
  if (open.length > 0) return 0;
  const log = new SharedLog(context, loadConfig(overrideContext(context, { project: trusted })));
  try {
    return await log.use(newestNumber, 0);
  } finally {
    await log.close();
  }
}
