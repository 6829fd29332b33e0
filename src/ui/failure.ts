import type { Runtime } from "../context.ts";
import { errorText, UserError } from "../core/errors.ts";
import { jsonLine } from "../core/json-line.ts";
import type { Mode } from "./context.ts";
import { paintFor, plain } from "./paint.ts";

const ISSUES = "https://github.com/zoho-hooks/zoho-hooks/issues";

/** What stops a command, as text for stderr: a JSON object in JSON mode, else what happened and what to do. */
export function renderFailure(error: unknown, runtime: Runtime, mode: Mode): string {
  const known = error instanceof UserError;
  if (mode.json) {
    const hint = known ? error.hint : `this is a bug: please report it at ${ISSUES}`;
    const code = known ? error.code : "bug";
    return jsonLine({ v: 1, error: { code, message: errorText(error), ...(hint === undefined ? {} : { hint }) } });
  }
  const paint = paintFor(runtime.stderr, runtime, mode.color);
  if (known) {
    const hint = error.hint === undefined ? "" : `  ${paint.dim(plain(error.hint, true))}\n`;
    return `${paint.bad("error:")} ${plain(error.message, true)}\n${hint}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.bad("bug:")} ${plain(stack, true)}\n  ${paint.dim(`please report it at ${ISSUES}`)}\n`;
}
