import { effect, signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Button, counted } from "../../web/page/parts.tsx";
import type { Activity, Minute } from "../api.ts";
import { milliseconds } from "./answer.tsx";
import { call } from "./client.ts";
import { filters, loaded, now, report, rows, setFilters } from "./model.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;
const REFRESH_INTERVAL_MS = 2_000;
const HEIGHT = 24;
/** So that one failure among hundreds is seen. */
const MIN_HEIGHT = 3;
/** From the bottom to the top. */
const OUTCOMES = ["delivered", "other", "waiting", "failed", "rejected"] as const;

const activity = signal<Activity | null>(null);
/** The minutes between which the pointer is dragged. */
const dragged = signal<readonly [from: number, to: number] | null>(null);

let isDue = false;
/** Reads the counts again after the list has changed, and as time goes by. */
effect(() => {
  void [rows.value, now.value];
  if (!loaded.value || isDue) return;
  isDue = true;
  setTimeout(
    async () => {
      // The list reports what fails.
      activity.value = await call<Activity>("/api/activity").catch(() => activity.value);
      isDue = false;
    },
    activity.peek() === null ? 0 : REFRESH_INTERVAL_MS,
  );
});

/** Deliveries a minute, coloured by outcome. Drag over it to list those of that time alone. */
export function Strip() {
  const element = useRef<HTMLDivElement>(null);
  const shown = activity.value;
  if (shown === null || shown.minutes.length === 0) return null;
  const start = Date.parse(shown.since);
  const bars = shown.minutes.map((minute) => ({ minute, x: (Date.parse(minute.at) - start) / MINUTE_MS }));
  const highest = Math.max(...shown.minutes.map(countOf));
  const span = dragged.value ?? spanOf(start);
  const minuteAt = ({ clientX }: PointerEvent): number => {
    const { left = 0, width = 1 } = element.current?.getBoundingClientRect() ?? {};
    return Math.max(0, Math.min(MINUTES - 1, Math.floor(((clientX - left) / width) * MINUTES)));
  };
  const list = (from: number, to: number): void => {
    const iso = (minute: number): string => new Date(start + minute * MINUTE_MS).toISOString();
    setFilters({ since: iso(Math.min(from, to)), until: iso(Math.max(from, to) + 1) }).catch(report);
  };
  const end = span?.[1] ?? MINUTES - 1;
  const { latency } = shown;
  return (
    <div class="strip">
      <div
        ref={element}
        class="bars"
        role="slider"
        tabIndex={0}
        aria-label="Minute whose events are listed"
        aria-valuemin={0}
        aria-valuemax={MINUTES - 1}
        aria-valuenow={end}
        aria-valuetext={span === null ? `${counted(total(shown.minutes), "event")} in this hour` : textOf(start, span)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          element.current?.setPointerCapture(event.pointerId);
          dragged.value = [minuteAt(event), minuteAt(event)];
        }}
        onPointerMove={(event) => {
          if (dragged.value !== null) dragged.value = [dragged.value[0], minuteAt(event)];
        }}
        onPointerUp={() => {
          if (dragged.value !== null) list(...dragged.value);
          dragged.value = null;
        }}
        onPointerCancel={() => {
          dragged.value = null;
        }}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          const to = Math.max(0, Math.min(MINUTES - 1, span === null ? end : end + step));
          list(event.shiftKey ? (span?.[0] ?? to) : to, to);
        }}
      >
        <svg viewBox={`0 0 ${MINUTES} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {span !== null && (
            <rect class="span" x={Math.min(...span)} width={Math.abs(span[1] - span[0]) + 1} y={0} height={HEIGHT} />
          )}
          {bars.map(({ minute, x }) => (
            <Bar key={minute.at} minute={minute} x={x} highest={highest} />
          ))}
        </svg>
      </div>
      <span class="faint">
        {clock(start)}–{clock(start + MINUTES * MINUTE_MS)}
      </span>
      {latency !== null && (
        <span class="faint" title="How long your app took to answer, in this hour">
          App p50 {milliseconds(latency.p50)} · p99 {milliseconds(latency.p99)}
        </span>
      )}
      {filters.value.since !== "" && (
        <Button onPress={() => setFilters({ since: "", until: "" }).catch(report)}>
          {clock(Date.parse(filters.value.since))}–{clock(Date.parse(filters.value.until))} ✕
        </Button>
      )}
    </div>
  );
}

function Bar({ minute, x, highest }: { readonly minute: Minute; readonly x: number; readonly highest: number }) {
  let top = HEIGHT;
  return (
    <g>
      <title>
        {clock(Date.parse(minute.at))}{" "}
        {OUTCOMES.flatMap((outcome) => (minute[outcome] === 0 ? [] : `${minute[outcome]} ${outcome}`)).join(", ")}
      </title>
      {OUTCOMES.map((outcome) => {
        if (minute[outcome] === 0) return null;
        const height = Math.max(MIN_HEIGHT, (minute[outcome] / highest) * HEIGHT);
        top -= height;
        return <rect key={outcome} class={outcome} x={x + 0.1} width={0.8} y={Math.max(0, top)} height={height} />;
      })}
    </g>
  );
}

/** The minutes of the list's filter, where they are in the hour that is shown. */
function spanOf(start: number): readonly [from: number, to: number] | null {
  const { since, until } = filters.value;
  if (since === "") return null;
  const from = (Date.parse(since) - start) / MINUTE_MS;
  const to = (Date.parse(until) - start) / MINUTE_MS - 1;
  return to < 0 ? null : [Math.max(0, from), to];
}

function textOf(start: number, [from, to]: readonly [number, number]): string {
  return `${clock(start + from * MINUTE_MS)} to ${clock(start + (to + 1) * MINUTE_MS)}`;
}

function countOf(minute: Minute): number {
  return OUTCOMES.reduce((sum, outcome) => sum + minute[outcome], 0);
}

function total(minutes: readonly Minute[]): number {
  return minutes.reduce((sum, minute) => sum + countOf(minute), 0);
}

/** `14:30`, local. */
function clock(time: number): string {
  return new Date(time).toTimeString().slice(0, 5);
}
