import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";

const STORAGE_KEY = "zoho-hooks-list-width";
/** Percent of the page. */
const MIN = 25;
const MAX = 75;
const STEP = 2;
/** Those of app.css, where nothing is set. */
const DEFAULT_PERCENT = 61;
const DEFAULT_MAX_REM = 51;

/** The width of the list; null for the default. */
const width = signal<number | null>(stored());

function stored(): number | null {
  const value = Number(localStorage.getItem(STORAGE_KEY));
  return value >= MIN && value <= MAX ? value : null;
}

/** For the element that has list and details as its columns. */
export function listWidth(): Readonly<Record<string, string>> {
  return width.value === null ? {} : { "--list": `${width.value}%` };
}

/** Between the list and the details. */
export function Divider() {
  const isDragged = useRef(false);
  const value = width.value ?? defaultWidth();
  const move = (to: number): void => {
    width.value = Math.max(MIN, Math.min(MAX, to));
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
      aria-valuemin={MIN}
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
          Home: () => move(MIN),
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

function defaultWidth(): number {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.min(DEFAULT_PERCENT, ((DEFAULT_MAX_REM * rem) / document.documentElement.clientWidth) * 100);
}
