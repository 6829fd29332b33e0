import { batch, computed, effect, signal } from "@preact/signals";
import { type Loop, LoopFinder } from "../../forward/loops.ts";
import { toClipboard } from "../../page-kit/page/copy.tsx";
import type { EventDetails, EventPage, EventRow, Outcome, ProductEntry, State, StreamMessage } from "../api.ts";
import { CallError, call, readStream } from "./client.ts";

const PAGE_SIZE = 200;
/** The server sends no more at once. */
const MAX_PAGE_SIZE = 500;
/** Beyond it the oldest rows are dropped, so that memory stays bounded. */
const MAX_ROWS = 50_000;
const MAX_BACK_OFF_MS = 8_000;
const REFRESH_INTERVAL_MS = 400;
const ANNOUNCE_INTERVAL_MS = 3_000;
const CLOCK_INTERVAL_MS = 30_000;
const LOOP_ROWS = 500;
const ERROR_TITLE = "That did not work";

export const NO_FILTERS = {
  search: "",
  product: "",
  event: "",
  status: "",
  since: "",
  until: "",
  failed: false,
  rejected: false,
  invalid: false,
  duplicate: false,
};
export type Filters = typeof NO_FILTERS;

export type Connection = "connecting" | "live" | "retrying" | "refused";
export interface Result {
  readonly title: string;
  readonly outcome: Outcome;
}
export type Tab = "Body" | "Headers" | "Raw" | "curl";
export type Dialog = "help" | "replay" | "send" | "channels";

export const connection = signal<Connection>("connecting");
export const state = signal<State | null>(null);
export const products = signal<readonly ProductEntry[]>([]);
export const filters = signal<Filters>(NO_FILTERS);
/** Oldest first, as they arrive. */
export const rows = signal<readonly EventRow[]>([]);
/** There are older ones than those in `rows`. */
export const more = signal(false);
/** A list has come, even an empty one. */
export const loaded = signal(false);
export const searching = signal(false);
/** The number of the selected event. */
export const selected = signal<number | null>(null);
export const details = signal<EventDetails | null>(null);
/** Whether it is known where the selected event is replayed to. */
export const hasTarget = computed(() => {
  const { forwards = [], attempts = [] } = details.value ?? {};
  return details.value === null || forwards.length + attempts.length + (state.value?.targets.length ?? 0) > 0;
});
export const marked = signal<number | null>(null);
export const result = signal<Result | null>(null);
export const dialog = signal<Dialog | null>(null);
/** On a narrow screen the details replace the list. */
export const detailsOpen = signal(false);
/** What is shown of a delivery; it stays from one to the next. */
export const tab = signal<Tab>("Body");
export const message = signal("");
export const announcement = signal("");
/** For times that are left; in milliseconds. */
export const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, CLOCK_INTERVAL_MS);

export const paused = signal(false);
export const scrolled = signal(false);
export const hovered = signal(false);
export const listFocused = signal(false);
/** Rows newer than this wait, so that nothing moves under the pointer, the focus or a reader. */
const heldAt = signal<number | null>(null);

export const shown = computed(() => {
  const held = heldAt.value;
  return held === null ? rows.value : rows.value.slice(0, rows.value.findLastIndex(({ n }) => n <= held) + 1);
});
export const customCount = computed(() => shown.value.filter(({ custom }) => custom).length);
export const heldCount = computed(() => rows.value.length - shown.value.length);
/** A record among the newest rows that the app seems to change itself, each time that it is told of it. */
export const loop = computed(() => {
  let found: Loop | undefined;
  const finder = new LoopFinder((each) => {
    found = each;
  });
  for (const row of rows.value.slice(-LOOP_ROWS)) {
    const { n, product, records, duplicate_of, state: outcome, app_latency_ms } = row;
    const at = Date.parse(row.at);
    if (product === null || duplicate_of !== null || outcome === "rejected") continue;
    finder.arrived({ n, product, records, at });
    if (app_latency_ms !== null) finder.answered(n, at + app_latency_ms);
  }
  return found;
});
/** What waits for an app, or was not accepted by one. */
export const unsettled = computed(() => (state.value?.waiting ?? 0) + (state.value?.failed ?? 0));
export const isFiltered = computed(
  () => !Object.values(filters.value).every((value) => value === "" || value === false),
);

effect(() => {
  const isSelecting = listFocused.value && selected.value !== null && selected.value !== shown.value.at(-1)?.n;
  if (paused.value || scrolled.value || hovered.value || isSelecting) heldAt.value ??= rows.peek().at(-1)?.n ?? null;
  else heldAt.value = null;
});

/** Nothing has come yet. */
export const isNew = computed(() => loaded.value && rows.value.length === 0 && !isFiltered.value && !searching.value);
/** The filters have left the selected event out. */
export const isHidden = computed(
  () => isFiltered.value && !searching.value && selected.value !== null && indexOf(selected.value) === -1,
);

/** Where an event is in the list, 0 for the newest shown; -1 if it is not there. */
export function indexOf(n: number | null): number {
  const position = shown.value.findLastIndex((row) => row.n === n);
  return position === -1 ? -1 : shown.value.length - 1 - position;
}

export function rowAt(index: number): EventRow | undefined {
  return shown.value[shown.value.length - 1 - index];
}

/** Shows the rows that were held back, up to now. */
export function release(): void {
  heldAt.value = null;
}

export function setFilters(change: Partial<Filters>): Promise<void> {
  filters.value = { ...filters.value, ...change };
  // An earlier filter may have been wrong.
  if (result.value?.title === ERROR_TITLE) closeResult();
  return load();
}

export function clearFilters(): Promise<void> {
  return setFilters(NO_FILTERS);
}

function query(page: Readonly<Record<string, number>>): string {
  const { status, failed, rejected, invalid, duplicate, ...others } = filters.value;
  const kinds = Object.entries({ failed, rejected, invalid, duplicate }).flatMap(([kind, on]) => (on ? [kind] : []));
  const only = [...kinds, status].filter((kind) => kind !== "").join(",");
  const words = Object.entries({ ...others, only, ...page }).filter(([, value]) => value !== "");
  return new URLSearchParams(words.map(([name, value]) => [name, String(value)])).toString();
}

let loads = 0;
/** The newest rows for the filters that are set; `keepOlder` where only what is new or changed is wanted. */
async function load({ keepOlder = false } = {}): Promise<void> {
  const ticket = ++loads;
  // A search that this one overtakes has left the rows of the filters before.
  const keeps = keepOlder && !searching.value;
  searching.value = !keeps;
  try {
    const page = await call<EventPage>(`/api/events?${query({ limit: PAGE_SIZE })}`);
    if (ticket !== loads) return;
    const newest = [...page.events].reverse();
    const from = newest[0]?.n ?? 0;
    // Rows that do not overlap with the page may have a gap before it.
    const older =
      keeps && page.more && from <= (rows.value.at(-1)?.n ?? 0) ? rows.value.filter(({ n }) => n < from) : [];
    batch(() => {
      rows.value = [...older, ...newest];
      if (!keeps) heldAt.value = null;
      if (older.length === 0) more.value = page.more;
      loaded.value = true;
      searching.value = false;
      selectNewest();
    });
  } catch (error) {
    if (ticket === loads) searching.value = false;
    throw error;
  }
}

let loadingOlder: Promise<void> | undefined;
export function loadOlder(limit = PAGE_SIZE): Promise<void> {
  loadingOlder ??= readOlder(limit).finally(() => {
    loadingOlder = undefined;
  });
  return loadingOlder;
}

function hasOlder(): boolean {
  return more.value && rows.value.length > 0 && rows.value.length < MAX_ROWS;
}

async function readOlder(limit: number): Promise<void> {
  const [oldest] = rows.value;
  if (oldest === undefined || !hasOlder()) return;
  const ticket = loads;
  const page = await call<EventPage>(`/api/events?${query({ before: oldest.n, limit })}`);
  if (ticket !== loads) return;
  rows.value = [...[...page.events].reverse(), ...rows.value];
  more.value = page.more;
}

/** Loads all older rows, until other filters are set. */
export async function loadOldest(): Promise<void> {
  const { value } = filters;
  while (filters.value === value && hasOlder()) await loadOlder(MAX_PAGE_SIZE);
}

/** At most one call in this time, after it. */
function throttled(intervalMs: number, act: () => void): () => void {
  let isDue = false;
  return () => {
    if (!isDue)
      setTimeout(() => {
        isDue = false;
        act();
      }, intervalMs);
    isDue = true;
  };
}

/** With filters the server decides what belongs into the list. */
const refreshSoon = throttled(REFRESH_INTERVAL_MS, () => load({ keepOlder: true }).catch(report));

let arrived = 0;
const announceSoon = throttled(ANNOUNCE_INTERVAL_MS, () => {
  // With its number, so that the text is another one each time.
  announcement.value = arrived === 1 ? `new event #${lastSeen}` : `${arrived} new events, the last is #${lastSeen}`;
  arrived = 0;
});

/** The newest event of the log that has come, whatever the filters. */
let lastSeen = 0;

function receive({ name, data }: StreamMessage): void {
  if (name === "state") {
    state.value = data;
    return;
  }
  if (name === "reset") {
    lastSeen = 0;
    refreshSoon();
    return;
  }
  if (name === "pruned") {
    rows.value = rows.value.filter(({ n, state }) => n >= data.oldest || state === "waiting");
    return;
  }
  if (name === "events") {
    const shown = isFiltered.value ? 0 : (rows.value.at(-1)?.n ?? 0);
    const fresh = data.filter(({ n }) => n > Math.max(lastSeen, shown)).sort((a, b) => a.n - b.n);
    lastSeen = fresh.at(-1)?.n ?? lastSeen;
    if (fresh.length === 0) return;
    arrived += fresh.length;
    announceSoon();
    if (isFiltered.value) {
      refreshSoon();
      return;
    }
    const all = [...rows.value, ...fresh];
    if (all.length > MAX_ROWS) more.value = true;
    rows.value = all.slice(-MAX_ROWS);
    selectNewest();
    return;
  }
  const changes = new Map(data.map((row) => [row.n, row]));
  rows.value = rows.value.map((row) => changes.get(row.n) ?? row);
  if (isFiltered.value) refreshSoon();
  if (selected.value !== null && changes.has(selected.value)) loadDetails(0);
}

/** Follows the log for as long as the page is open. */
export async function connect(): Promise<void> {
  call<readonly ProductEntry[]>("/api/products").then((list) => {
    products.value = list;
  }, report);
  for (let wait = 250; ; wait = Math.min(2 * wait, MAX_BACK_OFF_MS)) {
    try {
      state.value = await call<State>("/api/state");
      await load({ keepOlder: true });
      // A log that was deleted counts from 1 again.
      if (!isFiltered.value) lastSeen = rows.value.at(-1)?.n ?? 0;
      await readStream({
        after: lastSeen,
        onOpen() {
          wait = 125;
          connection.value = "live";
          if (selected.value !== null) loadDetails(0);
        },
        onMessage: receive,
      });
    } catch (error) {
      if (error instanceof CallError && error.status === 401) {
        connection.value = "refused";
        return;
      }
    }
    connection.value = "retrying";
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Where the browser gives no clipboard, the text is shown. */
export async function copy(text: string): Promise<void> {
  try {
    await toClipboard(text);
    announcement.value = "Copied";
  } catch {
    result.value = {
      title: "There is no clipboard: copy it from here",
      outcome: { ok: true, lines: [], notes: [text] },
    };
    detailsOpen.value = true;
  }
}

/** What a command said, and the line about it. */
export function closeResult(): void {
  batch(() => {
    result.value = null;
    message.value = "";
  });
}

let isChosen = false;
export function select(n: number): void {
  isChosen = true;
  show(n);
}

/** Until the user selects an event, the newest one of the list is selected. What arrives later does not replace it. */
function selectNewest(): void {
  const newest = shown.value.at(-1);
  if (!isChosen && newest !== undefined && indexOf(selected.value) === -1) show(newest.n);
}

function show(n: number): void {
  if (selected.value === n) return;
  batch(() => {
    selected.value = n;
    closeResult();
  });
  // Who holds an arrow key down passes many events.
  loadDetails(60);
}

let detailsTimer: number | undefined;
let detailsCall = new AbortController();
function loadDetails(delayMs: number): void {
  const n = selected.value;
  clearTimeout(detailsTimer);
  detailsCall.abort();
  detailsCall = new AbortController();
  const { signal } = detailsCall;
  detailsTimer = setTimeout(async () => {
    try {
      details.value = await call<EventDetails>(`/api/events/${n}`, { signal });
    } catch (error) {
      if (signal.aborted) return;
      details.value = null;
      dialog.value = null;
      report(error);
    }
  }, delayMs);
}

export function errorText(error: unknown): string {
  const { message: reason, hint = null } = error as Partial<CallError>;
  return hint === null ? `${reason}` : `${reason}\n  ${hint}`;
}

/** Shows an error with its hint, where the answer of a command would be. */
export function report(error: unknown): void {
  message.value = `${(error as Error).message}`;
  result.value = { title: ERROR_TITLE, outcome: { ok: false, lines: [], notes: [errorText(error)] } };
}
