import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";

const STORAGE_KEY = "zoho-hooks-list-width";
/** All columns, with numbers of nine digits. In app.css as well. */
const MIN_REM = 34;
/** Percent of the page. */
const MAX = 75;
const STEP = 2;
/** Those of app.css, where nothing is set. */
const DEFAULT_PERCENT = 61;
const DEFAULT_MAX_REM = 51;

/** The width of the list; null for the default. */
const width = signal<number | null>(stored());

function stored(): number | null {
  const value = Number(localStorage.getItem(STORAGE_KEY));
  return value > 0 && value <= MAX ? value : null;
}

/** For the element that has list and details as its columns. */
export function listWidth(): Readonly<Record<string, string>> {
  return width.value === null ? {} : { "--list": `${width.value}%` };
}

/** Between the list and the details. */
export function Divider() {
  const isDragged = useRef(false);
  const min = percentOf(MIN_REM);
  const value = Math.max(min, width.value ?? Math.min(DEFAULT_PERCENT, percentOf(DEFAULT_MAX_REM)));
  const move = (to: number): void => {
    width.value = Math.max(percentOf(MIN_REM), Math.min(MAX, to));
    localStorage.setItem(STORAGE_KEY, String(width.value));
  };
  const reset = (): void => {
    width.value = null;
    localStorage.removeItem(STORAGE_KEY);
  };
  return (
    <hr
      class="divider"
      tabIndex={0}
      aria-label="Width of the list"
      aria-orientation="vertical"
      aria-valuemin={Math.round(min)}
      aria-valuemax={MAX}
      aria-valuenow={Math.round(value)}
      title="Drag to move, double-click to reset"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        isDragged.current = true;
      }}
      onPointerMove={({ clientX }) => {
        if (isDragged.current) move((clientX / document.documentElement.clientWidth) * 100);
      }}
      onLostPointerCapture={() => {
        isDragged.current = false;
      }}
      onDblClick={reset}
      onKeyDown={(event) => {
        const moves: Readonly<Record<string, () => void>> = {
          ArrowLeft: () => move(value - STEP),
          ArrowRight: () => move(value + STEP),
          Home: () => move(min),
          End: () => move(MAX),
          Enter: reset,
        };
        const act = moves[event.key];
        if (act === undefined) return;
        event.preventDefault();
        act();
      }}
    />
  );
}

/** A length as percent of the page. */
function percentOf(rem: number): number {
  const rootPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return ((rem * rootPx) / document.documentElement.clientWidth) * 100;
}
