import type { AttemptFacts, EntryReport, ForwardFacts } from "../../core/log-report.ts";
import { problemText } from "../../core/payload.ts";
import { formatBytes, formatDay, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { attemptText, bodyLines, clockTime, headerLines, issueText, verdictText } from "./event.ts";

/** One delivery with all that the log has of it: what was found first, then the request as it came. */
export function renderEntry({ event }: EntryReport, { out, quiet }: Style): Rendered {
  const { receipt, kept } = event;
  const { payload } = receipt;
  const wrapped = payload?.wrappedIn === undefined ? [] : [out.dim(`the field ${plain(payload.wrappedIn)}:`)];
  const request = [
    out.strong(plain(`${event.method} ${event.path}`)),
    ...headerLines(event.headers, out),
    "",
    ...wrapped,
    ...bodyLines(payload?.text, event.body),
    ...(kept.masked && !quiet ? ["", out.dim("secrets are masked; --show-secrets shows them")] : []),
  ];
  return {
    out: `${[headline(event, out), ...facts(event, out), ...deliveryLines(event, out), "", ...request].join("\n")}\n`,
  };
}

function headline({ n, at, receipt, method, path, kept }: EntryReport["event"], paint: Paint): string {
  const name = receipt.handshake !== undefined ? "challenge" : (receipt.event ?? `${method} ${path}`);
  const unknown = receipt.event !== undefined && !receipt.known ? ` ${paint.caution("(unknown event)")}` : "";
  const format = receipt.format === undefined ? "" : ` ${paint.dim(`(${receipt.format})`)}`;
  return [
    `${paint.strong(`#${n}`)} ${paint.name(plain(receipt.product ?? "?"))} ${plain(name)}${unknown}${format}`,
    paint.dim(`${formatDay(at)} ${clockTime(at)}`),
    paint.dim(formatBytes(kept.bytes)),
  ].join("  ");
}

function facts(event: EntryReport["event"], paint: Paint): readonly string[] {
  const { receipt, status, refusal, duplicateOf, kept, explainCommand } = event;
  // The app is still at it, or the run was killed before it had answered.
  const answer = status === undefined ? "no answer known" : `answered ${status}`;
  const lines = [
    refusal === undefined ? answer : paint.bad(`${answer}: ${plain(refusal)}`),
    ...(kept.remote === undefined ? [] : [`from ${plain(kept.remote)}`]),
    ...(receipt.records.length === 0 ? [] : [`records ${plain(receipt.records.join(", "))}`]),
    ...(duplicateOf === undefined ? [] : [paint.caution(`duplicate of #${duplicateOf}`)]),
    ...(receipt.problem === undefined ? [] : [paint.bad(plain(problemText(receipt.problem)))]),
    ...receipt.verdicts.map((verdict) => `${verdictText(verdict, paint)}: ${plain(verdict.reason)}`),
    ...(explainCommand === undefined ? [] : [paint.dim(`why: ${explainCommand}`)]),
    ...schemaLines(receipt.schema, paint),
    ...(receipt.suggestions.length === 0
      ? []
      : [paint.caution(plain(`nearest known events: ${receipt.suggestions.join(", ")}`))]),
    ...(receipt.identity === undefined ? [] : [paint.dim(plain(`identity ${receipt.identity}`))]),
  ];
  return lines.map((line) => `  ${line}`);
}

function schemaLines(schema: EntryReport["event"]["receipt"]["schema"], paint: Paint): readonly string[] {
  if (schema === undefined) return [];
  if (schema.ok) return [paint.good("✓ schema")];
  return [paint.bad("✗ schema"), ...schema.issues.map((issue) => `  ${paint.caution(issueText(issue))}`)];
}

/** Where it went: for each target what came of it, and every attempt. */
function deliveryLines({ kept }: EntryReport["event"], paint: Paint): readonly string[] {
  const { forwards, attempts } = kept;
  const targets = [...new Set([...forwards, ...attempts].map(({ target }) => target))];
  return targets.flatMap((target) => {
    const forward = forwards.find((each) => each.target === target);
    const made = attempts.filter((each) => each.target === target);
    const state = forward === undefined ? "" : `: ${forwardText(forward, paint)}`;
    return ["", `  ${plain(target)}${state}`, ...made.flatMap((each) => attemptLines(each, paint))];
  });
}

function forwardText({ state, attempts, dueAt }: ForwardFacts, paint: Paint): string {
  if (state === "delivered") return paint.good("delivered");
  if (state === "failed") return paint.bad("given up");
  const isRetry = attempts > 0 && dueAt !== undefined;
  return paint.caution(isRetry ? `waiting, next try at ${clockTime(dueAt)}` : "waiting");
}

function attemptLines(attempt: AttemptFacts, paint: Paint): readonly string[] {
  const { at, latencyMs, error, reply } = attempt;
  const answer = plain(reply ?? "").slice(0, 300);
  return [
    `    ${paint.dim(clockTime(at))}  ${attemptText(attempt, paint)}  ${paint.dim(formatDuration(latencyMs))}${attempt.attempt > 1 ? paint.dim(`  attempt ${attempt.attempt}`) : ""}`,
    ...(error === undefined ? [] : [`      ${paint.bad(plain(error))}`]),
    ...(answer.trim() === "" ? [] : [`      ${paint.dim("answer:")} ${answer}`]),
  ];
}
