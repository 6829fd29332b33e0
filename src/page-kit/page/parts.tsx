import type { ComponentChildren } from "preact";
import { formatSpan } from "../../util/units.ts";

const NAMES =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US";
const CONTROL_NAMES = NAMES.split(" ");
/** Control and format characters (right-to-left marks and such), halves of surrogate pairs, and line separators. */
const HIDDEN = /(?:(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029])+/gu;

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return CONTROL_NAMES[code] ?? (code === 0x7f ? "DEL" : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`);
}

/** The same JSON with hidden characters as escapes. */
export function withEscapes(json: string): string {
  const escaped = (units: string) =>
    Array.from({ length: units.length }, (_, i) => `\\u${units.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
  return json.replace(HIDDEN, escaped);
}

/**
 * A text that others wrote, as text: what a browser would not show, or would act on, is shown by its name.
 *
 * @param maxBoxes beyond it, names stand in the text without a box: a page with a million boxes is of no use
 */
export function visible(text: string, maxBoxes = 200): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let boxes = 0;
  let plain = "";
  let end = 0;
  for (const { 0: hidden, index } of text.matchAll(HIDDEN)) {
    const names = Array.from(hidden, nameOf);
    plain += text.slice(end, index);
    end = index + hidden.length;
    boxes += names.length;
    if (boxes > maxBoxes) plain += names.map((name) => `⟦${name}⟧`).join("");
    else {
      parts.push(plain, <span class="hidden-character">{names.join(" ")}</span>);
      plain = "";
    }
  }
  plain += text.slice(end);
  return parts.length === 0 ? plain : [...parts, plain];
}

/** Local time; with the date if it is not of today. */
export function Time({ at, full = false }: { readonly at: string; readonly full?: boolean }) {
  const date = new Date(at);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  const isToday = new Date().toDateString() === date.toDateString();
  const [day = "", time = ""] = local.split("T");
  const short = isToday ? time.slice(0, 8) : `${day.slice(5)} ${time.slice(0, 5)}`;
  return <time dateTime={at}>{full ? `${day} ${time.slice(0, 12)}` : short}</time>;
}

export function timeLeft(until: string, now: number): string {
  const left = Date.parse(until) - now;
  return left > 0 ? `${formatSpan(left)} left` : "expired";
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

interface ButtonProps {
  readonly onPress: () => unknown;
  /** The key that does the same. */
  readonly letter?: string;
  readonly pressed?: boolean;
  readonly class?: string;
  readonly label?: string;
  readonly title?: string;
  readonly children?: ComponentChildren;
}

export function Button({ onPress, letter, pressed, class: kind, label, title, children }: ButtonProps) {
  return (
    <button
      type="button"
      class={kind}
      aria-label={label}
      title={title}
      aria-pressed={pressed}
      aria-keyshortcuts={letter}
      onClick={() => void onPress()}
    >
      {children}{" "}
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: kbd takes no focus; screen readers get it from aria-keyshortcuts */}
      {letter !== undefined && <kbd aria-hidden="true">{letter}</kbd>}
    </button>
  );
}

type Pair = readonly [name: string, value: ComponentChildren];

/** Names and values, in their order and with repeats. Pairs without a value are left out. */
export function Pairs({ of: pairs, class: kind = "" }: { readonly of: readonly Pair[]; readonly class?: string }) {
  return (
    <table class={`pairs ${kind}`}>
      <tbody>
        {pairs.map(
          ([name, value], index) =>
            value !== null && (
              <tr key={index}>
                <th scope="row">{visible(name)}</th>
                <td>{typeof value === "string" ? visible(value) : value}</td>
              </tr>
            ),
        )}
      </tbody>
    </table>
  );
}

/** What became of a delivery. */
export function Pill({ state }: { readonly state: string }) {
  return <span class={`pill ${state}`}>{state}</span>;
}

export type Tone = "good" | "bad" | "caution" | "unknown";
const SIGNS: Readonly<Record<Tone, string>> = { good: "✓", bad: "✗", caution: "?", unknown: "–" };

/** Says by a sign and by words what its colour says. */
export function Verdict({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`verdict ${tone}`}>
      <span class="sign">{SIGNS[tone]}</span> {children}
    </span>
  );
}

/** Whether the page gets what happens at its server. */
export function Live({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`connection ${tone}`} role="status">
      <span class="dot" aria-hidden="true" /> {children}
    </span>
  );
}

/** The logo and the name of the program. */
export function Brand() {
  return (
    <h1>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M5 3v6a3 3 0 0 0 6 0V7.5M8.8 9.5 11 7l2.2 2.5" />
      </svg>
      <span class="brand">zoho-hooks</span>
    </h1>
  );
}
