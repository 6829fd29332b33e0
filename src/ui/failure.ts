import type { Runtime } from "../context.ts";
import { errorText, UserError } from "../core/errors.ts";
import { jsonLine } from "../core/json-line.ts";
import { asCalled } from "./as-called.ts";
import type { Mode } from "./context.ts";
import { paintFor, plain } from "./paint.ts";

const REPORT = "please report it to the maintainers of zoho-hooks, with this text and what was called";

/** What stops a command, as text for stderr: a JSON object in JSON mode, else what happened and what to do. */
export async function renderFailure(error: unknown, runtime: Runtime, mode: Mode): Promise<string> {
  const known = error instanceof UserError;
  const hint = known ? error.hint && asCalled(error.hint, runtime) : `this is a bug: ${REPORT}`;
  if (mode.json) {
    const code = known ? error.code : "bug";
    return jsonLine({ v: 1, error: { code, message: errorText(error), ...(hint === undefined ? {} : { hint }) } });
  }
  const paint = await paintFor(runtime.stderr, runtime, mode.color);
  if (known) {
    const below = hint === undefined ? "" : `  ${paint.dim(plain(hint, true))}\n`;
    return `${paint.bad("error:")} ${plain(error.message, true)}\n${below}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.bad("bug:")} ${plain(stack, true)}\n  ${paint.dim(REPORT)}\n`;
}
