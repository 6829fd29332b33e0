import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { EventRow } from "../api.ts";
import {
  choose,
  chosen,
  clearFilters,
  detailsOpen,
  filters,
  heldCount,
  hovered,
  indexOf,
  isFiltered,
  listFocused,
  loaded,
  loadOlder,
  marked,
  release,
  report,
  rowAt,
  scrolled,
  searching,
  set,
  shown,
  state,
} from "./model.ts";
import { Button, Time, type Tone, Verdict, visible } from "./parts.tsx";

/** Rows above and below what is seen, for a scroll that is ahead of the rendering. */
const OVERSCAN = 12;
/** As in app.css. */
const ROW_REM = 1.625;

const rowHeight = () => ROW_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
let box: HTMLElement | null = null;

/** Chooses the row at this distance from the chosen one, brings it into view and focuses it. */
export function move(distance: number): void {
  const index = indexOf(chosen.value);
  moveTo(index === -1 ? Math.max(0, distance - 1) : index + distance);
}

export function moveTo(index: number): void {
  const at = Math.max(0, Math.min(index, shown.value.length - 1));
  const row = rowAt(at);
  if (row === undefined || box === null) return;
  choose(row.n);
  const height = rowHeight();
  const top = at * height;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
  focusChosen();
}

/** Once it is rendered: what is focused must exist. */
function focusChosen(): void {
  requestAnimationFrame(() => {
    const target = box?.querySelector<HTMLElement>("[tabindex='0']");
    target?.focus({ preventScroll: true });
  });
}

export function showNewest(): void {
  if (box !== null) box.scrollTop = 0;
  release();
  moveTo(0);
}

export function closeDetails(): void {
  detailsOpen.value = false;
  focusChosen();
}

/** One page of rows, for Page Up and Page Down. */
export function pageLength(): number {
  return Math.max(1, Math.floor((box?.clientHeight ?? 0) / rowHeight()) - 1);
}

export function EventList() {
  return (
    <section
      class="list"
      aria-label="Events"
      onPointerEnter={({ pointerType }) => {
        hovered.value = pointerType === "mouse";
      }}
      onPointerLeave={set(hovered, false)}
    >
      <div class="row head" aria-hidden="true">
        {["#", "Time", "Product", "Event", "Record", "Sender", "Body", "Status", "State"].map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      {heldCount.value > 0 && (
        <Button class="new-rows" letter="Home" onPress={showNewest}>
          {heldCount.value.toLocaleString("en")} new
        </Button>
      )}
      {shown.value.length === 0 ? <Empty /> : <Rows />}
    </section>
  );
}

function Rows() {
  const element = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(0);
  useEffect(() => {
    box = element.current;
    if (box === null) return;
    const observer = new ResizeObserver(([entry]) => {
      height.value = entry?.contentRect.height ?? 0;
    });
    observer.observe(box);
    return () => {
      observer.disconnect();
      scrolled.value = listFocused.value = false;
    };
  }, []);
  useEffect(() => {
    if (box !== null) box.scrollTop = 0;
  }, [filters.value]);
  const { length } = shown.value;
  const first = Math.max(0, Math.floor(top.value / rowHeight()) - OVERSCAN);
  const last = Math.min(length, Math.ceil((top.value + height.value) / rowHeight()) + OVERSCAN);
  useEffect(() => {
    if (last >= length - OVERSCAN) loadOlder().catch(report);
  }, [last, length]);
  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
  // The row that has the focus stays, wherever the list is scrolled to.
  const active = indexOf(chosen.value);
  if (active !== -1 && (active < first || active >= last)) indexes.push(active);
  return (
    <div
      ref={element}
      class="rows"
      role="listbox"
      aria-label="Events, newest first"
      onScroll={({ currentTarget }) => {
        top.value = currentTarget.scrollTop;
        scrolled.value = currentTarget.scrollTop > 0;
      }}
      onFocusIn={set(listFocused, true)}
      onFocusOut={set(listFocused, false)}
    >
      <div class="canvas" role="presentation" style={{ height: `${length * ROW_REM}rem` }}>
        {indexes.map((index) => {
          const row = rowAt(index);
          return row && <Row key={row.n} row={row} index={index} focusable={index === Math.max(0, active)} />;
        })}
      </div>
    </div>
  );
}

interface RowProps {
  readonly row: EventRow;
  readonly index: number;
  readonly focusable: boolean;
}

const SENDERS = { verified: "verified", not_verified: "not verified", unsigned: "unsigned" } as const;

/** Without a key nothing can be verified, which is no failure. */
function senderTone({ sender, state }: EventRow): Tone {
  if (sender === "verified") return "good";
  return sender === "not_verified" && state === "rejected" ? "bad" : "unknown";
}

function Row({ row, index, focusable }: RowProps) {
  const isChosen = chosen.value === row.n;
  const isBad = row.state === "failed" || row.state === "rejected";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys.ts has the keys of all rows
    <div
      class={isChosen ? "row event chosen" : "row event"}
      role="option"
      aria-selected={isChosen}
      aria-posinset={index + 1}
      aria-setsize={shown.value.length}
      tabIndex={focusable ? 0 : -1}
      style={{ transform: `translateY(${index * ROW_REM}rem)` }}
      onClick={() => {
        choose(row.n);
        detailsOpen.value = true;
        focusChosen();
      }}
    >
      <span class="number">#{row.n}</span>
      <Time at={row.at} />
      <span>{visible(row.product ?? "–")}</span>
      <span class="event-name">
        {marked.value === row.n && <b class="mark">marked </b>}
        {visible(row.event ?? `${row.method} ${row.path}`)}
      </span>
      <span>{visible(row.records.join(" "))}</span>
      <Verdict tone={senderTone(row)}>
        <span class="visually-hidden">{SENDERS[row.sender]}</span>
      </Verdict>
      {row.schema_ok === null ? (
        row.custom ? (
          <Verdict tone="unknown">
            <span class="visually-hidden">custom (no schema)</span>
          </Verdict>
        ) : (
          <span />
        )
      ) : (
        <Verdict tone={row.schema_ok ? "good" : "bad"}>
          <span class="visually-hidden">{row.schema_ok ? "valid" : "invalid"}</span>
        </Verdict>
      )}
      <span class={row.status !== null && row.status >= 400 ? "bad" : ""}>{row.status ?? "–"}</span>
      <span class={isBad ? "bad" : row.state === "duplicate" ? "faint" : ""}>{row.state} </span>
    </div>
  );
}

function Empty() {
  if (!loaded.value || searching.value) return <p class="empty">{loaded.value ? "Searching …" : "Loading …"}</p>;
  if (isFiltered.value)
    return (
      <div class="empty">
        <p>No event matches these filters.</p>
        <p>
          <Button onPress={() => clearFilters().catch(report)}>Clear the filters</Button>
        </p>
      </div>
    );
  const isReceiving = state.value?.receiver !== null;
  return (
    <div class="empty">
      <p>No event has come yet. To {isReceiving ? "send the first one" : "receive the first one"}, run</p>
      <pre class="command">{state.value?.try_command}</pre>
      {isReceiving && (
        <p class="faint">
          or press <kbd>s</kbd> to send a sample from here.
        </p>
      )}
    </div>
  );
}
