import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button, counted, visible } from "../../page-kit/page/parts.tsx";
import { ask } from "./actions.ts";
import { filters, isFiltered, more, searching, select, shown } from "./model.ts";

/** More are for `zoho-hooks replay` in a terminal: a press of a button is not to send thousands of requests. */
const MAX_REPLAYS = 500;

interface Run {
  readonly count: number;
  readonly done: number;
  readonly accepted: number;
  /** The first that was not accepted, and why. */
  readonly failure: { readonly n: number; readonly reason: string } | null;
  readonly state: "running" | "stopping" | "ended";
}

const run = signal<Run | null>(null);

/** What the filters list, and a button that replays it: one at a time, with the count of those that were accepted. */
export function ReplayBar({ onClose }: { onClose(): void }) {
  if (run.value !== null) return <Progress run={run.value} onClose={onClose} />;
  const { length } = shown.value;
  if (!isFiltered.value || searching.value || length === 0) return null;
  const numbers = replayable();
  const isAll = !more.value && numbers.length < MAX_REPLAYS;
  return (
    <div class="replay-bar">
      <span>
        {counted(length, "event")}
        {more.value ? " loaded" : length === 1 ? " matches" : " match"}
      </span>
      {numbers.length > 1 && (
        <Button
          title="Replays one at a time, oldest first, to its previous target; skips rejected and waiting events"
          onPress={() => replayAll(numbers)}
        >
          {isAll ? "Replay these" : "Replay the newest"} {numbers.length}
        </Button>
      )}
    </div>
  );
}

/** The newest of those that the app should have received, the oldest first. `listen` sends what waits by itself. */
function replayable(): readonly number[] {
  return shown.value
    .filter(({ state }) => state !== "rejected" && state !== "waiting")
    .slice(-MAX_REPLAYS)
    .map(({ n }) => n);
}

/** Ends with the page. */
async function replayAll(numbers: readonly number[]): Promise<void> {
  const { failed } = filters.value;
  run.value = { count: numbers.length, done: 0, accepted: 0, failure: null, state: "running" };
  for (const n of numbers) {
    const { ok, lines, notes } = await ask("replay", { n, failed });
    const refused = lines.find(({ status }) => typeof status === "number" && status >= 300);
    const error = lines.find(({ error = null }) => error !== null)?.error;
    const reason = String(error ?? (refused === undefined ? notes[0] : `answered ${refused.status}`));
    const now: Run | null = run.value;
    if (now === null) return;
    run.value = {
      ...now,
      done: now.done + 1,
      accepted: now.accepted + (ok ? 1 : 0),
      failure: now.failure ?? (ok ? null : { n, reason }),
    };
    if (now.state === "stopping") break;
  }
  if (run.value !== null) run.value = { ...run.value, state: "ended" };
}

interface ProgressProps {
  readonly run: Run;
  /** The list is what remains. */
  onClose(): void;
}

function Progress({ run: { count, done, accepted, failure, state }, onClose }: ProgressProps) {
  const stop = (): void => {
    if (run.value !== null) run.value = { ...run.value, state: "stopping" };
  };
  const hasEnded = state === "ended";
  const bar = useRef<HTMLDivElement>(null);
  // The button that had the focus has gone.
  useEffect(() => {
    if (document.activeElement === document.body) bar.current?.querySelector<HTMLElement>(".end")?.focus();
  }, [hasEnded]);
  const close = (): void => {
    run.value = null;
    onClose();
  };
  return (
    <div class="replay-bar" ref={bar}>
      {hasEnded ? (
        <span role="status">
          Replayed {done < count && `${done} of `}
          {counted(count, "event")}: {accepted} accepted
          {failure !== null && (
            <>
              , {done - accepted} not{done - accepted > 1 && ", the first"}:{" "}
              <Button class="link" onPress={() => select(failure.n)}>
                #{failure.n}
              </Button>
              : {visible(failure.reason)}
            </>
          )}
        </span>
      ) : (
        <>
          <progress max={count} value={done} aria-label="Replayed" />
          <span>
            {done} of {count} replayed, {accepted} accepted
          </span>
        </>
      )}
      {hasEnded ? (
        <Button class="end" onPress={close}>
          Close
        </Button>
      ) : (
        <Button class="end" onPress={stop}>
          {state === "stopping" ? "Stopping …" : "Stop"}
        </Button>
      )}
    </div>
  );
}
