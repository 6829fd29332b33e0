import { signal } from "@preact/signals";
import { set } from "../../page-kit/page/signals.ts";
import { copyTab, explain, markOrDiff, replayAsItIs } from "./actions.ts";
import { closeDetails, move, pageLength, showNewest, showOldest } from "./list.tsx";
import { closeResult, detailsOpen, dialog, filters, paused, report, result, selected, setFilters } from "./model.ts";
import { clearTime, isStripVisible } from "./strip.tsx";

const withSelected = (act: (n: number) => unknown) => () => {
  if (selected.value !== null) act(selected.value);
};

/** What the help shows, and what each letter does. */
export const SHORTCUTS: readonly (readonly [keys: string, text: string, act?: () => unknown])[] = [
  ["↑ ↓ j k", "select an event"],
  ["Enter d", "its details", openDetails],
  ["r", "replay", withSelected(replayAsItIs)],
  ["e", "edit and replay", withSelected(set(dialog, "replay"))],
  ["x", "explain the signature", withSelected(explain)],
  ["m", "mark; on another event: what differs", withSelected(markOrDiff)],
  ["c", "copy as curl", withSelected(() => copyTab("curl"))],
  ["y", "copy the body", withSelected(() => copyTab("Body"))],
  ["f", "only what failed or was rejected", toggleFailedAndRejected],
  ["/", "search; Enter and ↓ go on to the list", search],
  ["p", "pause the list", togglePause],
  ["s", "send a sample", set(dialog, "send")],
  ["Home End", "the newest, the oldest"],
  ["← →", "on the strip of time: list the events of a time, as dragging does; with Shift a longer one"],
  ["← →", "on the line between list and event: move it"],
  ["Esc", "clear the time, close, back to the list"],
  ["?", "this help", set(dialog, "help")],
];

const LETTERS_KEY = "zoho-hooks-letters";
export const lettersOn = signal(localStorage.getItem(LETTERS_KEY) !== "off");

/** Speech input may type letters that nobody meant. */
export function setLetters(on: boolean): void {
  lettersOn.value = on;
  localStorage.setItem(LETTERS_KEY, on ? "on" : "off");
}

function letter(key: string): (() => unknown) | undefined {
  if (key === "j" || key === "k") return () => move(key === "j" ? 1 : -1);
  // Enter presses the button that has the focus.
  return key.length > 1 ? undefined : SHORTCUTS.find(([keys]) => keys.split(" ").includes(key))?.[2];
}

/** They work while the list or nothing in particular has the focus; elsewhere they scroll or press. */
const LIST_KEYS: Readonly<Record<string, () => unknown>> = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  PageDown: () => move(pageLength()),
  PageUp: () => move(-pageLength()),
  Home: showNewest,
  End: () => showOldest().catch(report),
  Enter: openDetails,
};

export function togglePause(): void {
  paused.value = !paused.value;
}

function toggleFailedAndRejected(): void {
  const { failed, rejected } = filters.value;
  const isOn = failed && rejected;
  setFilters({ failed: !isOn, rejected: !isOn }).catch(report);
}

function search(): void {
  detailsOpen.value = false;
  document.querySelector<HTMLInputElement>("#search")?.select();
}

export function openDetails(): void {
  if (selected.value === null) move(1);
  detailsOpen.value = true;
  requestAnimationFrame(() => document.getElementById("details")?.focus());
}

export function onKey(event: KeyboardEvent): void {
  // A dialog has its own keys, and the browser those with a modifier.
  if (dialog.value !== null || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (event.key === "Escape") {
    stepBack(target);
    return;
  }
  const isText = target.matches("textarea, select, input:not([type=checkbox])");
  if (isText) return;
  const isInList = target === document.body || target.getAttribute("role") === "option";
  const act = (isInList ? LIST_KEYS[event.key] : undefined) ?? (lettersOn.value ? letter(event.key) : undefined);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

/** Undoes one thing: the filter that is being typed, the time of the strip, the answer of a command, the details. */
function stepBack(target: HTMLElement): void {
  if (target.id === "search" && filters.value.search !== "") setFilters({ search: "" }).catch(report);
  else if (filters.value.since !== "" && isStripVisible()) clearTime();
  else if (result.value !== null && target.id !== "search") closeResult();
  else closeDetails();
}
