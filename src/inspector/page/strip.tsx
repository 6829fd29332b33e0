import { effect, signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Button, counted } from "../../page-kit/page/parts.tsx";
import { type Activity, type Period, SPANS, type Span } from "../api.ts";
import { milliseconds } from "./answer.tsx";
import { call } from "./client.ts";
import { filters, loaded, now, report, rows, setFilters } from "./model.ts";

const REFRESH_INTERVAL_MS = 2_000;
const HEIGHT = 24;
/** So that one failure among hundreds is seen. */
const MIN_HEIGHT = 2;
/** From the bottom to the top. */
const OUTCOMES = ["delivered", "other", "waiting", "failed", "rejected"] as const;

/** How a span is written, and how one of its periods is. */
const WORDS: Readonly<Record<Span, readonly [span: string, button: string, period: string]>> = {
  "1h": ["hour", "1 h", "a minute"],
  "1d": ["day", "1 d", "in 15 minutes"],
  "7d": ["week", "7 d", "an hour"],
};

const wanted = signal<Span>("1h");
const activity = signal<Activity | null>(null);
/** The periods between which the pointer is dragged. */
const dragged = signal<readonly [from: number, to: number] | null>(null);

async function read(): Promise<void> {
  // The list reports what fails.
  const found = await call<Activity>(`/api/activity?span=${wanted.value}`).catch(() => null);
  if (found?.span === wanted.value) activity.value = found;
}

let isDue = false;
/** Reads the counts again after the list has changed, and as time goes by. */
effect(() => {
  void [rows.value, now.value];
  if (!loaded.value || isDue) return;
  isDue = true;
  setTimeout(
    async () => {
      await read();
      isDue = false;
    },
    activity.peek() === null ? 0 : REFRESH_INTERVAL_MS,
  );
});

/** Lists all times again. */
export function clearTime(): void {
  setFilters({ since: "", until: "" }).catch(report);
}

/** False where details replace the list, on a narrow screen. */
export function isStripVisible(): boolean {
  return (document.querySelector<HTMLElement>(".strip")?.offsetHeight ?? 0) > 0;
}

/** Deliveries over time, coloured by outcome. Drag over it to list those of that time alone. */
export function Strip() {
  const shown = activity.value;
  if (shown === null || shown.periods.length === 0) return null;
  const { span, periods, latency } = shown;
  const { count, periodMs } = SPANS[span];
  const start = Date.parse(shown.since);
  const end = start + count * periodMs;
  const { since, until } = filters.value;
  return (
    <div class="strip">
      <div class="strip-facts">
        <span class="tabs">
          {(Object.keys(SPANS) as Span[]).map((each) => (
            <Button
              key={each}
              pressed={wanted.value === each}
              onPress={() => {
                wanted.value = each;
                void read();
              }}
            >
              {WORDS[each][1]}
            </Button>
          ))}
        </span>
        {!isToday(end - 1) && <span>{rangeOf(start, end)}</span>}
        <span class="hint">
          Up to {Math.max(...periods.map(countOf)).toLocaleString("en")} {WORDS[span][2]}
        </span>
        {latency !== null && (
          <span title={`How long your app took to answer, in this ${WORDS[span][0]}`}>
            App p50 {milliseconds(latency.p50)} · p99 {milliseconds(latency.p99)}
          </span>
        )}
        <span class="space" />
        {since === "" ? (
          <span class="hint">Drag to list a time</span>
        ) : (
          <Button onPress={clearTime}>{rangeOf(Date.parse(since), Date.parse(until))} ✕</Button>
        )}
      </div>
      <Bars activity={shown} start={start} />
      <div class="axis" aria-hidden="true">
        {ticksOf(span, start).map(({ time, text }) => (
          <span key={time} style={{ left: `${((time - start) / (end - start)) * 100}%` }}>
            {text}
          </span>
        ))}
      </div>
    </div>
  );
}

function Bars({ activity: { span, periods }, start }: { readonly activity: Activity; readonly start: number }) {
  const element = useRef<HTMLDivElement>(null);
  const { count, periodMs } = SPANS[span];
  const highest = Math.max(...periods.map(countOf));
  const chosen = dragged.value ?? chosenOf(start, periodMs);
  const periodAt = ({ clientX }: PointerEvent): number => {
    const { left = 0, width = 1 } = element.current?.getBoundingClientRect() ?? {};
    return Math.max(0, Math.min(count - 1, Math.floor(((clientX - left) / width) * count)));
  };
  const list = (from: number, to: number): void => {
    const iso = (period: number): string => new Date(start + period * periodMs).toISOString();
    setFilters({ since: iso(Math.min(from, to)), until: iso(Math.max(from, to) + 1) }).catch(report);
  };
  const last = chosen?.[1] ?? count - 1;
  const total = periods.reduce((sum, period) => sum + countOf(period), 0);
  return (
    <div
      ref={element}
      class="bars"
      role="slider"
      tabIndex={0}
      aria-label="Time whose events are listed"
      aria-valuemin={0}
      aria-valuemax={count - 1}
      aria-valuenow={last}
      aria-valuetext={
        chosen === null
          ? `${counted(total, "event")} in this ${WORDS[span][0]}`
          : rangeOf(start + chosen[0] * periodMs, start + (chosen[1] + 1) * periodMs)
      }
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        element.current?.setPointerCapture(event.pointerId);
        dragged.value = [periodAt(event), periodAt(event)];
      }}
      onPointerMove={(event) => {
        if (dragged.value !== null) dragged.value = [dragged.value[0], periodAt(event)];
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
        const to = Math.max(0, Math.min(count - 1, chosen === null ? last : last + step));
        list(event.shiftKey ? (chosen?.[0] ?? to) : to, to);
      }}
    >
      <svg viewBox={`0 0 ${count} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {chosen !== null && (
          <rect
            class="chosen"
            x={Math.min(...chosen)}
            width={Math.abs(chosen[1] - chosen[0]) + 1}
            y={0}
            height={HEIGHT}
          />
        )}
        {periods.map((period) => (
          <Bar key={period.at} period={period} x={(Date.parse(period.at) - start) / periodMs} highest={highest} />
        ))}
      </svg>
    </div>
  );
}

function Bar({ period, x, highest }: { readonly period: Period; readonly x: number; readonly highest: number }) {
  let top = HEIGHT;
  return (
    <g>
      <title>
        {momentOf(Date.parse(period.at))}{" "}
        {OUTCOMES.flatMap((outcome) => (period[outcome] === 0 ? [] : `${period[outcome]} ${outcome}`)).join(", ")}
      </title>
      {OUTCOMES.map((outcome) => {
        if (period[outcome] === 0) return null;
        const height = Math.max(MIN_HEIGHT, (period[outcome] / highest) * HEIGHT);
        top -= height;
        return <rect key={outcome} class={outcome} x={x + 0.1} width={0.8} y={Math.max(0, top)} height={height} />;
      })}
    </g>
  );
}

/** The periods of the list's filter, where they are in the span that is shown. */
function chosenOf(start: number, periodMs: number): readonly [from: number, to: number] | null {
  const { since, until } = filters.value;
  if (since === "") return null;
  const from = (Date.parse(since) - start) / periodMs;
  const to = (Date.parse(until) - start) / periodMs - 1;
  return to < 0 ? null : [Math.max(0, from), to];
}

function countOf(period: Period): number {
  return OUTCOMES.reduce((sum, outcome) => sum + period[outcome], 0);
}

/** Round local times, without those whose text would be cut off at the edge. */
function ticksOf(span: Span, start: number): readonly { readonly time: number; readonly text: string }[] {
  const { count, periodMs } = SPANS[span];
  const edge = Math.ceil(count / 25);
  const times = Array.from({ length: count - 2 * edge }, (_, index) => start + (index + edge) * periodMs);
  const isTick = (time: Date): boolean => {
    if (span === "1h") return time.getMinutes() % 10 === 0;
    if (span === "1d") return time.getMinutes() === 0 && time.getHours() % 4 === 0;
    return time.getHours() === 0;
  };
  return times
    .filter((time) => isTick(new Date(time)))
    .map((time) => ({ time, text: span === "7d" ? weekdayOf(time) : clock(time) }));
}

/** `Mon 30`, local. */
function weekdayOf(time: number): string {
  const date = new Date(time);
  return `${date.toLocaleDateString("en", { weekday: "short" })} ${date.getDate()}`;
}

/** `14:30–15:00`; of other days than today `11-30 14:30–15:00`, and of two `11-30 14:30–12-01 09:00`. */
function rangeOf(from: number, to: number): string {
  const isOneDay = dayOf(from) === dayOf(to);
  return isOneDay ? `${momentOf(from)}–${clock(to)}` : `${dayOf(from)} ${clock(from)}–${dayOf(to)} ${clock(to)}`;
}

function momentOf(time: number): string {
  return isToday(time) ? clock(time) : `${dayOf(time)} ${clock(time)}`;
}

function isToday(time: number): boolean {
  return dayOf(time) === dayOf(now.value);
}

/** `11-30`, local, as in the list. */
function dayOf(time: number): string {
  const date = new Date(time);
  return [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** `14:30`, local. */
function clock(time: number): string {
  return new Date(time).toTimeString().slice(0, 5);
}
