import { useSignal } from "@preact/signals";
import { createRef } from "preact";
import { useEffect } from "preact/hooks";
import { Button, Pill, Time, type Tone, Verdict, visible } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import type { EventRow } from "../api.ts";
import { milliseconds } from "./answer.tsx";
import {
  clearFilters,
  detailsOpen,
  filters,
  heldCount,
  hovered,
  indexOf,
  listFocused,
  loaded,
  loadOlder,
  loadOldest,
  marked,
  release,
  report,
  rowAt,
  scrolled,
  searching,
  select,
  selected,
  shown,
} from "./model.ts";
import { ReplayBar } from "./replay-all.tsx";
import { Strip } from "./strip.tsx";

/** Rows above and below what is seen, for a scroll that is ahead of the rendering. */
const OVERSCAN = 12;
/** In pixels. app.css has it in rem, and more on a narrow screen. */
function rowHeight(): number {
  const style = getComputedStyle(document.documentElement);
  return Number.parseFloat(style.fontSize) * Number.parseFloat(style.getPropertyValue("--row"));
}

const box = createRef<HTMLDivElement>();

/** Selects the row at this distance from the selected one, brings it into view and focuses it. */
export function move(distance: number): void {
  const index = indexOf(selected.value);
  moveTo(index === -1 ? Math.max(0, distance - 1) : index + distance);
}

function moveTo(index: number): void {
  const at = Math.max(0, Math.min(index, shown.value.length - 1));
  const row = rowAt(at);
  const { current: list } = box;
  if (row === undefined || list === null) return;
  select(row.n);
  const height = rowHeight();
  const top = at * height;
  if (top < list.scrollTop) list.scrollTop = top;
  else list.scrollTop = Math.max(list.scrollTop, top + height + headHeight(list) - list.clientHeight);
  focusSelected();
}

/** Moves the focus to the selected event, or to the newest where that is not in the list. Waits until the list is drawn. */
export function focusList(): void {
  requestAnimationFrame(() => moveTo(Math.max(0, indexOf(selected.value))));
}

/** The head of the columns covers as much of the rows. */
function headHeight(rows: HTMLElement): number {
  return rows.querySelector<HTMLElement>(".head")?.offsetHeight ?? 0;
}

/** Once it is rendered: what is focused must exist. */
function focusSelected(): void {
  requestAnimationFrame(() => {
    box.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: true });
  });
}

function scrollToTop(): void {
  box.current?.scrollTo(0, 0);
}

export function showNewest(): void {
  scrollToTop();
  release();
  moveTo(0);
}

export async function showOldest(): Promise<void> {
  const before = selected.value;
  await loadOldest();
  // Another one may have been selected meanwhile.
  if (selected.value === before) moveTo(shown.value.length - 1);
}

export function closeDetails(): void {
  detailsOpen.value = false;
  focusSelected();
}

/** One page of rows, for Page Up and Page Down. */
export function pageLength(): number {
  return Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / rowHeight()) - 1);
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
      <Strip />
      <ReplayBar onClose={focusList} />
      {heldCount.value > 0 && (
        <Button class="new-rows" letter="Home" onPress={showNewest}>
          ↑ {heldCount.value.toLocaleString("en")} new
        </Button>
      )}
      {shown.value.length === 0 ? <Empty /> : <Rows />}
    </section>
  );
}

function Rows() {
  const top = useSignal(0);
  const height = useSignal(0);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      height.value = entry?.contentRect.height ?? 0;
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      scrolled.value = listFocused.value = false;
    };
  }, []);
  useEffect(scrollToTop, [filters.value]);
  const { length } = shown.value;
  const first = Math.max(0, Math.floor(top.value / rowHeight()) - OVERSCAN);
  const last = Math.min(length, Math.ceil((top.value + height.value) / rowHeight()) + OVERSCAN);
  useEffect(() => {
    if (last >= length - OVERSCAN) loadOlder().catch(report);
  }, [last, length]);
  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
  // The row that has the focus stays, wherever the list is scrolled to.
  const active = indexOf(selected.value);
  if (active !== -1 && (active < first || active >= last)) indexes.push(active);
  return (
    <div
      ref={box}
      class="rows"
      style={{ "--digits": String(Math.max(4, `${rowAt(0)?.n}`.length)) }}
      onScroll={({ currentTarget }) => {
        top.value = currentTarget.scrollTop;
        scrolled.value = currentTarget.scrollTop > 0;
      }}
      onFocusIn={set(listFocused, true)}
      onFocusOut={set(listFocused, false)}
    >
      {/* Within what scrolls, so that a scrollbar narrows both. */}
      <div class="row head" aria-hidden="true">
        {COLUMNS.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <div
        class="canvas"
        role="listbox"
        aria-label="Events, newest first"
        style={{ height: `calc(${length} * var(--row))` }}
      >
        {indexes.map((index) => {
          const row = rowAt(index);
          return row && <Row key={row.n} row={row} index={index} focusable={index === Math.max(0, active)} />;
        })}
      </div>
    </div>
  );
}

const COLUMNS = ["#", "Time", "Event", "Record", "Sig", "Body", "App", "To Zoho", "State"];

const SENDER_TONES: Readonly<Record<EventRow["sender"], Tone>> = {
  wrong_signature: "bad",
  missing_signature: "bad",
  no_key: "caution",
  verified: "good",
  unsigned: "unknown",
};

function bodyOf({ schema_ok, custom }: EventRow): readonly [tone: Tone, text: string] {
  if (schema_ok !== null) return schema_ok ? ["good", "valid"] : ["bad", "invalid"];
  return ["unknown", custom ? "custom: no schema to check" : "not checked"];
}

/** A sign, which says in words what it means. */
function Mark({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return (
    <span title={text}>
      <Verdict tone={tone}>
        <span class="visually-hidden">{text}</span>
      </Verdict>
    </span>
  );
}

function Row({ row, index, focusable }: { row: EventRow; index: number; focusable: boolean }) {
  const { n, product, event, status, state, app_status, app_latency_ms } = row;
  const isSelected = selected.value === n;
  const [tone, body] = bodyOf(row);
  const isFine = app_status !== null && app_status < 300;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys.ts has the keys of all rows
    <div
      class={isSelected ? "row event selected" : "row event"}
      role="option"
      aria-selected={isSelected}
      aria-posinset={index + 1}
      aria-setsize={shown.value.length}
      tabIndex={focusable ? 0 : -1}
      style={{ transform: `translateY(calc(${index} * var(--row)))` }}
      onClick={() => {
        select(n);
        detailsOpen.value = true;
        focusSelected();
      }}
    >
      <span class="number">#{n}</span>
      <Time at={row.at} />
      <span class={event === null ? "from-end" : ""}>
        {marked.value === n && <b class="mark">marked </b>}
        {event === null ? (
          <bdi>{visible(`${row.method} ${row.path}`)}</bdi>
        ) : (
          <>
            <span class="faint">{visible(product ?? "")}</span> {visible(event)}
          </>
        )}
      </span>
      <span class="id">
        {visible(row.records[0] ?? "")}
        {row.records.length > 1 && ` +${row.records.length - 1}`}
      </span>
      <Mark tone={SENDER_TONES[row.sender]} text={row.reconstructed ? "reconstructed" : row.sender.replace("_", " ")} />
      <Mark tone={tone} text={body} />
      <span class="app">
        {app_latency_ms !== null && (
          <>
            <span class={isFine ? "" : "bad"}>{app_status ?? "✗"}</span>{" "}
            <span class="faint">{milliseconds(app_latency_ms)}</span>
          </>
        )}
      </span>
      <span class={status !== null && status >= 400 ? "bad" : "faint"}>{status ?? "–"}</span>
      <span>
        <Pill state={state} />
      </span>
    </div>
  );
}

function Empty() {
  if (!loaded.value || searching.value) return <p class="empty">{loaded.value ? "Searching …" : "Loading …"}</p>;
  return (
    <div class="empty">
      <p>No event matches these filters.</p>
      <p>
        <Button onPress={() => clearFilters().catch(report)}>Clear the filters</Button>
      </p>
    </div>
  );
}
