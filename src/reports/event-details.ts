import { problemText } from "../delivery/payload.ts";
import { nearestNotes } from "../model/receipt.ts";
import type { LoggedEvent } from "../receiver/event-report.ts";
import { plain } from "../util/text.ts";
import { formatBytes, formatDay, formatDuration } from "../util/units.ts";
import { attemptText, CUSTOM, clockTime, issueText, proofText } from "./event.ts";
import { bodyLines, cutLines, headerLines, type Lines, linesOf, textOf } from "./layout.ts";
import { answerText, type Paint, type Rendered, type Style } from "./paint.ts";

/** Findings first, then the request as it came. */
export function renderEventDetails(
  event: LoggedEvent,
  explainCommand: string | undefined,
  { out, quiet }: Style,
): Rendered {
  const { method, path, headers, body, logged } = event;
  const { payload } = event.receipt;
  return {
    out: textOf(
      headline(event, out),
      findings(event, out, explainCommand).map((line) => `  ${line}`),
      deliveryLines(event, out),
      "",
      out.strong(plain(`${method} ${path}`)),
      headerLines(headers, out),
      "",
      payload?.wrappedIn !== undefined && out.dim(`the field ${plain(payload.wrappedIn)}:`),
      bodyLines(payload?.text, body),
      cutLines(logged.cutTo, out),
      logged.masked && !quiet && ["", out.dim("secrets are masked; --show-secrets shows them")],
    ),
  };
}

function headline({ n, at, receipt, method, path, logged }: LoggedEvent, paint: Paint): string {
  const name = receipt.handshake !== undefined ? "challenge" : (receipt.event ?? `${method} ${path}`);
  const unknown = receipt.event !== undefined && !receipt.known ? ` ${paint.caution("(unknown event)")}` : "";
  const format = receipt.format === undefined ? "" : ` ${paint.dim(plain(`(${receipt.format})`))}`;
  return [
    `${paint.strong(`#${n}`)} ${paint.name(plain(receipt.product ?? "?"))} ${plain(name)}${unknown}${format}`,
    paint.dim(`${formatDay(at)} ${clockTime(at)}`),
    paint.dim(formatBytes(logged.bytes)),
  ].join("  ");
}

function findings(event: LoggedEvent, paint: Paint, explainCommand: string | undefined): readonly string[] {
  const { receipt, status, refusal, duplicateOf, logged } = event;
  const { records, problem, verdicts, custom, schema, identity } = receipt;
  // The app is still working on it, or the run was killed before it answered.
  const answer = status === undefined ? "no answer recorded" : `answered ${status}`;
  return linesOf([
    logged.reconstructed
      ? paint.dim("– reconstructed by zoho-hooks reconcile: Zoho did not send it")
      : refusal === undefined
        ? answer
        : paint.bad(`${answer}: ${plain(refusal)}`),
    logged.remote !== undefined && `from ${plain(logged.remote)}`,
    records.length > 0 && `records ${plain(records.join(", "))}`,
    duplicateOf !== undefined && paint.caution(`duplicate of #${duplicateOf}`),
    problem && paint.bad(plain(problemText(problem))),
    verdicts.map((verdict) => proofText(verdict, paint)),
    explainCommand !== undefined && paint.dim(`why: ${explainCommand}`),
    custom && paint.dim(CUSTOM),
    !custom && schema && (schema.ok ? paint.good("✓ valid") : paint.bad("✗ invalid")),
    !custom && schema?.issues.map((issue) => `  ${paint.caution(issueText(issue))}`),
    nearestNotes(receipt, refusal !== undefined).map((text) => paint[custom ? "dim" : "caution"](plain(text))),
    identity !== undefined && paint.dim(plain(`identity ${identity}`)),
  ]);
}

/** The result for each target, and every attempt. */
function deliveryLines({ logged }: LoggedEvent, paint: Paint): Lines {
  const { forwards, attempts } = logged;
  const targets = [...new Set([...forwards, ...attempts].map(({ target }) => target))];
  return targets.map((target) => {
    const forward = forwards.find((each) => each.target === target);
    const made = attempts.filter((each) => each.target === target);
    const state = forward === undefined ? "" : `: ${forwardText(forward, paint)}`;
    return ["", `  ${plain(target)}${state}`, made.map((each) => attemptLines(each, paint))];
  });
}

function forwardText({ state, attempts, dueAt }: LoggedEvent["logged"]["forwards"][number], paint: Paint): string {
  if (state !== "waiting") return paint[state === "delivered" ? "good" : "bad"](state);
  const isRetry = attempts > 0 && dueAt !== undefined;
  return paint.caution(isRetry ? `waiting, next attempt at ${clockTime(dueAt)}` : "waiting");
}

function attemptLines(attempt: LoggedEvent["logged"]["attempts"][number], paint: Paint): Lines {
  const { at, latencyMs, error, reply = "" } = attempt;
  const answer = answerText(reply).slice(0, 300);
  const again = attempt.attempt > 1 ? paint.dim(`  attempt ${attempt.attempt}`) : "";
  return [
    `    ${paint.dim(clockTime(at))}  ${attemptText(attempt, paint)}  ${paint.dim(formatDuration(latencyMs))}${again}`,
    error !== undefined && `      ${paint.bad(plain(error))}`,
    answer.trim() !== "" && `      ${paint.dim("answer:")} ${answer}`,
  ];
}
