import { signal } from "@preact/signals";
import { Button, counted } from "../../web/page/parts.tsx";
import { set } from "../../web/page/signals.ts";
import { ask } from "./actions.ts";
import { filters, isFiltered, more, searching, select, shown } from "./model.ts";

/** More are for `zoho-hooks replay` in a terminal: a press of a button is not to send thousands of requests. */
const MAX_REPLAYS = 500;

interface Run {
  readonly count: number;
  readonly done: number;
  readonly accepted: number;
  /** The first that was not accepted. */
  readonly failed: number | null;
  readonly state: "running" | "stopping" | "ended";
}

const run = signal<Run | null>(null);

/** What the filters list, and a button that replays it: one at a time, with the count of those that were accepted. */
export function ReplayBar() {
  if (run.value !== null) return <Progress run={run.value} />;
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
          title="One at a time, the oldest first, each to where it went before; what was rejected is left out"
          onPress={() => replayAll(numbers)}
        >
          {isAll ? "Replay these" : "Replay the newest"} {numbers.length}
        </Button>
      )}
    </div>
  );
}

/** The newest of those that the app should have received, the oldest first. */
function replayable(): readonly number[] {
  return shown.value
    .filter(({ state }) => state !== "rejected")
    .slice(-MAX_REPLAYS)
    .map(({ n }) => n);
}

/** Ends with the page. */
async function replayAll(numbers: readonly number[]): Promise<void> {
  const { failed } = filters.value;
  run.value = { count: numbers.length, done: 0, accepted: 0, failed: null, state: "running" };
  for (const n of numbers) {
    const { ok } = await ask("replay", { n, failed });
    const now: Run | null = run.value;
    if (now === null) return;
    run.value = {
      ...now,
      done: now.done + 1,
      accepted: now.accepted + (ok ? 1 : 0),
      failed: now.failed ?? (ok ? null : n),
    };
    if (now.state === "stopping") break;
  }
  if (run.value !== null) run.value = { ...run.value, state: "ended" };
}

function Progress({ run: { count, done, accepted, failed, state } }: { readonly run: Run }) {
  const stop = (): void => {
    if (run.value !== null) run.value = { ...run.value, state: "stopping" };
  };
  return (
    <div class="replay-bar">
      {state === "ended" ? (
        <span role="status">
          Replayed {done < count && `${done} of `}
          {counted(count, "event")}: {accepted} accepted
          {failed !== null && (
            <>
              , {done - accepted} not:{" "}
              <Button class="link" onPress={() => select(failed)}>
                #{failed}
              </Button>
              {done - accepted > 1 && " is the first"}
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
      <span class="space" />
      {state === "ended" ? (
        <Button onPress={set(run, null)}>Close</Button>
      ) : (
        <Button onPress={stop}>{state === "stopping" ? "Stopping …" : "Stop"}</Button>
      )}
    </div>
  );
}
