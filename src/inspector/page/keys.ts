import { signal } from "@preact/signals";
import { copyAsCurl, copyBody, explain, markOrDiff, replayAsItIs } from "./actions.ts";
import { closeDetails, move, moveTo, pageLength, showNewest } from "./list.tsx";
import {
  chosen,
  closeResult,
  detailsOpen,
  dialog,
  filters,
  paused,
  report,
  result,
  set,
  setFilters,
  shown,
} from "./model.ts";

/** What the help shows: the letters are those of `listen` in a terminal. */
export const SHORTCUTS: readonly (readonly [keys: string, text: string])[] = [
  ["↑ ↓ j k", "select an event"],
  ["Enter d", "its details"],
  ["r", "replay"],
  ["e", "edit and replay"],
  ["x", "explain the signature"],
  ["m", "mark; on another event: what differs"],
  ["c", "copy as curl"],
  ["y", "copy the body"],
  ["f", "only what your app never accepted"],
  ["/", "search"],
  ["p", "pause the list"],
  ["s", "send a sample"],
  ["Home End", "the newest, the oldest"],
  ["Esc", "close, clear, back to the list"],
  ["?", "this help"],
];

const LETTERS_KEY = "zoho-hooks-letters";
export const lettersOn = signal(localStorage.getItem(LETTERS_KEY) !== "off");

/** Speech input may type letters that nobody meant. */
export function setLetters(on: boolean): void {
  lettersOn.value = on;
  localStorage.setItem(LETTERS_KEY, on ? "on" : "off");
}

const withChosen = (act: (n: number) => unknown) => () => {
  if (chosen.value !== null) act(chosen.value);
};

const LETTERS: Readonly<Record<string, () => unknown>> = {
  j: () => move(1),
  k: () => move(-1),
  d: openDetails,
  r: withChosen(replayAsItIs),
  e: withChosen(set(dialog, "replay")),
  x: withChosen(explain),
  m: withChosen(markOrDiff),
  c: withChosen(copyAsCurl),
  y: withChosen(copyBody),
  f: () => setFilters({ failed: !filters.value.failed }).catch(report),
  p: togglePause,
  s: set(dialog, "send"),
  "/": () => {
    detailsOpen.value = false;
    document.querySelector<HTMLInputElement>("#search")?.select();
  },
  "?": set(dialog, "help"),
};

/** They work while the list or nothing in particular has the focus; elsewhere they scroll or press. */
const LIST_KEYS: Readonly<Record<string, () => unknown>> = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  PageDown: () => move(pageLength()),
  PageUp: () => move(-pageLength()),
  Home: showNewest,
  End: () => moveTo(shown.value.length - 1),
  Enter: openDetails,
};

export function togglePause(): void {
  paused.value = !paused.value;
}

function openDetails(): void {
  if (chosen.value === null) move(1);
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
  const act = (isInList ? LIST_KEYS[event.key] : undefined) ?? (lettersOn.value ? LETTERS[event.key] : undefined);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

/** Undoes one thing: the filter that is being typed, the answer of a command, the details. */
function stepBack(target: HTMLElement): void {
  if (target.id === "search" && filters.value.search !== "") setFilters({ search: "" }).catch(report);
  else if (result.value !== null && target.id !== "search") closeResult();
  else closeDetails();
}
