import type { AttemptRow, EventDetails } from "../api.ts";
import { copyAsCurl, explain, markOrDiff, replayAsItIs } from "./actions.ts";
import { Body } from "./body.tsx";
import { closeDetails } from "./list.tsx";
import { choose, chosen, closeResult, details, dialog, marked, now, result, set, shown } from "./model.ts";
import { Button, counted, Pairs, Time, type Tone, Verdict, visible } from "./parts.tsx";

export function Details() {
  const { value: event } = details;
  const isOther = event !== null && event.n !== chosen.value;
  return (
    <section class="details" id="details" aria-label="Selected event" aria-busy={isOther} tabIndex={-1}>
      <Button class="back" letter="Esc" onPress={closeDetails}>
        ← Events
      </Button>
      <ResultPanel />
      {event === null || chosen.value === null ? (
        <p class="empty faint">{shown.value.length > 0 && "Select an event."}</p>
      ) : (
        <Event event={event} />
      )}
    </section>
  );
}

function Event({ event }: { readonly event: EventDetails }) {
  return (
    <>
      <h2>
        <span class="number">#{event.n}</span> {visible(event.product ?? "unknown product")}{" "}
        <strong>{visible(event.event ?? "")}</strong>
        {event.format !== null && <small> {visible(event.format)}</small>}
      </h2>
      <p class="facts">
        <Time at={event.at} full />
        <code>
          {event.method} {visible(event.path)}
        </code>
        {event.remote !== null && <span>from {event.remote}</span>}
        {event.records.length > 0 && (
          <span>
            records <code>{visible(event.records.join(" "))}</code>
          </span>
        )}
      </p>
      <Actions event={event} />
      <Verdicts event={event} />
      <Deliveries event={event} />
      <Body event={event} />
      <section>
        <h3>
          Headers <small>{event.headers.length}, in their order</small>
        </h3>
        <Pairs of={event.headers} />
      </section>
    </>
  );
}

function Actions({ event }: { readonly event: EventDetails }) {
  const { n } = event;
  const { value: before } = marked;
  const diff = before === null ? "Mark" : before === n ? "Unmark" : `Diff with #${before}`;
  return (
    <div class="actions" role="toolbar" aria-label={`Actions for #${n}`}>
      <Button letter="r" onPress={() => replayAsItIs(n)}>
        Replay
      </Button>
      <Button letter="e" onPress={set(dialog, "replay")}>
        Edit and replay
      </Button>
      <Button letter="x" onPress={() => explain(n)}>
        Explain
      </Button>
      <Button letter="m" onPress={() => markOrDiff(n)}>
        {diff}
      </Button>
      <Button letter="c" onPress={() => copyAsCurl(n)}>
        Copy as curl
      </Button>
    </div>
  );
}

const STATES: Readonly<Record<string, string>> = {
  received: "",
  delivered: ", delivered to your app",
  failed: ", failed at your app",
  waiting: ", waiting for your app",
};
const SIGN_TONES: Readonly<Record<string, string>> = { "✓": "good", "✗": "bad" };

function toneOf({ status, state }: EventDetails): Tone {
  if (status === null || state === "waiting") return "unknown";
  return status < 400 && state !== "failed" ? "good" : "bad";
}

function Verdicts({ event }: { readonly event: EventDetails }) {
  const { signatures, issues, notes, problem, refusal, schema_ok, status, state, duplicate_of } = event;
  // A refusal often names the signature or the problem that is listed below it.
  const isListed = refusal === problem || signatures.some(({ id }) => refusal?.startsWith(`${id}: `));
  return (
    <ul class="verdicts" aria-label="Results">
      <li>
        <Verdict tone={toneOf(event)}>
          {status === null ? "not answered" : `answered ${status}`}
          {STATES[state] ?? `, ${state}`}
          {refusal !== null && !isListed && <>: {visible(refusal)}</>}
        </Verdict>{" "}
        {duplicate_of !== null && (
          <Button class="link" onPress={() => choose(duplicate_of)}>
            of #{duplicate_of}
          </Button>
        )}
      </li>
      {signatures.map(({ id, text }) => (
        <li key={id} class={SIGN_TONES[text.slice(0, 1)] ?? "faint"}>
          <span class="sign">{text.slice(0, 1)}</span>
          {visible(text.slice(1))}
        </li>
      ))}
      {signatures.length === 0 && event.format !== null && (
        <li>
          <Verdict tone="unknown">unsigned</Verdict>
        </li>
      )}
      {schema_ok !== null && (
        <li>
          <Verdict tone={schema_ok ? "good" : "bad"}>
            {schema_ok ? "valid" : `invalid: ${counted(issues.length, "issue")}, beside the lines of the body`}
          </Verdict>
        </li>
      )}
      {problem !== null && (
        <li>
          <Verdict tone="bad">{visible(problem)}</Verdict>
        </li>
      )}
      {notes.map((note) => (
        <li class="faint" key={note}>
          {visible(note)}
        </li>
      ))}
    </ul>
  );
}

function Deliveries({ event: { attempts, forwards } }: { readonly event: EventDetails }) {
  if (attempts.length === 0 && forwards.length === 0) return null;
  return (
    <section>
      <h3>
        Your app <small>{counted(attempts.length, "attempt")}</small>
      </h3>
      {forwards.map(({ target, state, due_at }) => (
        <p key={target}>
          <Verdict tone={state === "delivered" ? "good" : state === "failed" ? "bad" : "unknown"}>{state}</Verdict>{" "}
          <code>{visible(target)}</code>
          {due_at !== null && Date.parse(due_at) > Math.max(now.value, Date.now()) && (
            <>
              , next attempt at <Time at={due_at} />
            </>
          )}
        </p>
      ))}
      <ol class="attempts">
        {attempts.map((attempt) => (
          <Attempt key={`${attempt.target} ${attempt.at} ${attempt.attempt}`} attempt={attempt} />
        ))}
      </ol>
    </section>
  );
}

function Attempt({ attempt: { attempt, target, at, status, latency_ms, error, reply } }: { attempt: AttemptRow }) {
  const isGood = status !== null && status >= 200 && status < 300;
  return (
    <li>
      <span class="faint">{attempt}</span> <Time at={at} />{" "}
      <Verdict tone={isGood ? "good" : "bad"}>{status ?? "no answer"}</Verdict>{" "}
      <span>{Math.round(latency_ms).toLocaleString("en")} ms</span> <code>{visible(target)}</code>
      {error !== null && <p class="bad">{visible(error)}</p>}
      {reply !== null && reply !== "" && <pre>{visible(reply)}</pre>}
    </li>
  );
}

const CHANGES: Readonly<Record<string, readonly [sign: string, tone: string]>> = {
  added: ["+", "good"],
  removed: ["−", "bad"],
  changed: ["~", "changed"],
};

/** What the last command said. */
function ResultPanel() {
  if (result.value === null) return null;
  const { title, outcome } = result.value;
  const differences = outcome.lines.filter(({ type }) => type === "difference");
  return (
    <section class={`result ${outcome.ok ? "" : "failed"}`} aria-label={title}>
      <h2>
        {visible(title)}
        <Button letter="Esc" onPress={closeResult}>
          Close
        </Button>
      </h2>
      {differences.length === 0 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable by keyboard
        <pre tabIndex={0}>{visible(outcome.text.trimEnd())}</pre>
      ) : (
        <Differences lines={differences} />
      )}
    </section>
  );
}

function Differences({ lines }: { readonly lines: readonly Readonly<Record<string, unknown>>[] }) {
  return (
    <table class="differences">
      <thead>
        <tr>
          <th scope="col">Change</th>
          <th scope="col">Path</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ path, change, before, after }) => {
          const [sign, tone] = CHANGES[String(change)] ?? ["", ""];
          return (
            <tr key={`${path}`}>
              <td class={tone}>
                {sign} {`${change}`}
              </td>
              {[path, before, after].map((value) => (
                <td>
                  <code>{visible(value == null ? "" : String(value))}</code>
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
