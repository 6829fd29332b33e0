import { LISTEN_FLAGS, statusHint } from "../../forward/answer-hint.ts";
import { Button, counted, Pairs, Pill, Time, type Tone, Verdict, visible } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import type { AttemptRow, EventDetails } from "../api.ts";
import { explain, markOrDiff, replayAsItIs } from "./actions.ts";
import { Answer, milliseconds } from "./answer.tsx";
import { Request } from "./body.tsx";
import { closeDetails } from "./list.tsx";
import { closeResult, details, dialog, isHidden, marked, now, result, select, selected } from "./model.ts";

export function Details() {
  const { value: event } = details;
  const isOther = event !== null && event.n !== selected.value;
  return (
    <section class="details" id="details" aria-label="Selected event" aria-busy={isOther} tabIndex={-1}>
      <Button class="back" letter="Esc" onPress={closeDetails}>
        ← Events
      </Button>
      {isHidden.value && <p class="note">#{selected.value} is not among the filtered events.</p>}
      {event !== null && selected.value !== null ? <Event event={event} /> : <ResultPanel />}
    </section>
  );
}

function Event({ event }: { readonly event: EventDetails }) {
  const { n, product, event: name, format, state } = event;
  const { value: before } = marked;
  return (
    <>
      <div class="title">
        <h2>
          <span class="number">#{n}</span> {visible(product ?? "Unknown product")}{" "}
          <strong>{visible(name ?? "")}</strong>
          {format !== null && <small> {visible(format)}</small>} <Pill state={state} />
        </h2>
        <div class="actions" role="toolbar" aria-label={`Actions for #${n}`}>
          <Button class="primary" letter="r" onPress={() => replayAsItIs(n)}>
            Replay
          </Button>
          <Button letter="e" onPress={set(dialog, "replay")}>
            Edit and replay
          </Button>
          <Button letter="m" onPress={() => markOrDiff(n)}>
            {before === null ? "Mark to compare" : before === n ? "Unmark" : `Compare with #${before}`}
          </Button>
        </div>
      </div>
      <ResultPanel />
      <FromZoho event={event} />
      <YourApp event={event} />
      <Request key={n} event={event} />
    </>
  );
}

const TONES: Readonly<Record<string, Tone>> = { "✓": "good", "✗": "bad", "?": "caution" };

function FromZoho({ event }: { readonly event: EventDetails }) {
  const {
    n,
    method,
    path,
    remote,
    records,
    sender,
    signatures,
    notes,
    status,
    refusal,
    problem,
    duplicate_of,
    reconstructed,
  } = event;
  // A refusal often names the signature or the problem that is listed as well.
  const isListed = refusal === problem || signatures.some(({ id }) => refusal?.startsWith(`${id}: `));
  const [tone, body] = bodyOf(event);
  const request = [`${method} `, <code key="path">{visible(path)}</code>, remote !== null && ` from ${remote}`];
  const verdicts = signatures.map(({ id, text }) => (
    <Verdict key={id} tone={TONES[text.slice(0, 1)] ?? "unknown"}>
      {visible(text.slice(2))}
    </Verdict>
  ));
  const unsigned = reconstructed ? "Reconstructed by zoho-hooks reconcile: Zoho did not send it" : "Unsigned";
  const answer = [
    <span key="status" class={status !== null && status >= 400 ? "bad" : ""}>
      {status ?? "none yet"}
    </span>,
    refusal !== null && !isListed && `: ${refusal}`,
    duplicate_of !== null && ", a duplicate of ",
    duplicate_of !== null && (
      <Button class="link" onPress={() => select(duplicate_of)}>
        #{duplicate_of}
      </Button>
    ),
  ];
  return (
    <section class="card">
      <h3>
        From Zoho <span class="space" />
        {sender.endsWith("_signature") && (
          <Button letter="x" onPress={() => explain(n)}>
            Explain the signature
          </Button>
        )}
      </h3>
      <Pairs
        class="facts"
        of={[
          ["Received", <Time at={event.at} full />],
          ["Request", request],
          [records.length > 1 ? "Records" : "Record", records.join(" ") || null],
          ["Signature", verdicts.length > 0 ? verdicts : <Verdict tone="unknown">{unsigned}</Verdict>],
          ["Body", body === "" ? null : <Verdict tone={tone}>{visible(body)}</Verdict>],
          ["Answer", reconstructed ? null : answer],
          ...notes.map((note) => ["Note", note] as const),
        ]}
      />
    </section>
  );
}

function bodyOf({ problem, schema_ok, custom, issues }: EventDetails): readonly [tone: Tone, text: string] {
  if (problem !== null) return ["bad", problem];
  if (schema_ok === null) return ["unknown", custom ? "Custom: no schema to check" : ""];
  return schema_ok ? ["good", "Valid"] : ["bad", `Invalid: ${counted(issues.length, "issue")}, beside the lines below`];
}

function YourApp({ event: { state, attempts, forwards } }: { readonly event: EventDetails }) {
  const targets = [...new Set([...forwards, ...attempts].map(({ target }) => target))];
  return (
    <section class="card">
      <h3>
        Your app <small>{attempts.length > 0 && counted(attempts.length, "attempt")}</small>
      </h3>
      {targets.length === 0 && (
        <p class="faint">It was {state === "rejected" && "rejected, so it was "}not forwarded.</p>
      )}
      {targets.map((target) => {
        const forward = forwards.find((each) => each.target === target);
        const made = attempts.filter((each) => each.target === target);
        const due = forward?.due_at ?? null;
        return [
          <p key={target}>
            {forward !== undefined && <Pill state={forward.state} />} <code>{visible(target)}</code>
            {due !== null && Date.parse(due) > Math.max(now.value, Date.now()) && (
              <span class="faint">
                , next attempt at <Time at={due} />
              </span>
            )}
          </p>,
          <ol class="attempts" key={`${target} attempts`}>
            {made.map((attempt, i) => (
              <Attempt key={attempt.attempt} attempt={attempt} before={made[i - 1]} />
            ))}
          </ol>,
        ];
      })}
    </section>
  );
}

/** No flag names the target here. */
const ON_PAGE = { ...LISTEN_FLAGS, toFlag: "" };
const REPLAYS = { same: "replay", edited: "edited replay" } as const;

function Attempt({ attempt, before }: { readonly attempt: AttemptRow; readonly before: AttemptRow | undefined }) {
  const { status, error, reply, replay } = attempt;
  const isGood = status !== null && status >= 200 && status < 300;
  const hint = status === null || status === before?.status ? undefined : statusHint(status, ON_PAGE);
  return (
    <li>
      <span class="faint">{attempt.attempt}</span>
      <Time at={attempt.at} />
      <Verdict tone={isGood ? "good" : "bad"}>{status ?? "no answer"}</Verdict>
      <span class="faint">{milliseconds(attempt.latency_ms)}</span>
      {replay !== null && <span class="pill">{REPLAYS[replay]}</span>}
      {error !== null && error !== before?.error && <p class="bad">{visible(error)}</p>}
      {hint !== undefined && <p>{hint}</p>}
      {reply !== null && reply !== "" && reply !== before?.reply && <pre>{visible(reply)}</pre>}
    </li>
  );
}

/** What the last command said. */
export function ResultPanel() {
  if (result.value === null) return null;
  const { title, outcome } = result.value;
  return (
    <section class={`card result ${outcome.ok ? "" : "failed"}`} aria-label={title}>
      <h3>
        {visible(title)} <span class="space" />
        <Button letter="Esc" onPress={closeResult}>
          Close
        </Button>
      </h3>
      <Answer outcome={outcome} />
    </section>
  );
}
