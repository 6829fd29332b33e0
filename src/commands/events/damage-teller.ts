import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";

/** Of more the first are named: half a log may be damaged. */
const MOST_NAMED = 10;

/** Gathers which deliveries of the log cannot be read, so that the others are shown and these told of. */
export class DamageTeller {
  readonly #context: Context;
  #spans: { first: number; last: number; reason: string }[] = [];
  #told = false;

  constructor(context: Context) {
    this.#context = context;
  }

  readonly onDamaged = (n: number, reason: string): void => {
    const span = this.#spans.at(-1);
    if (span?.last === n - 1 && span.reason === reason) span.last = n;
    else if (span?.first === n + 1 && span.reason === reason) span.first = n;
    else this.#spans.push({ first: n, last: n, reason });
  };

  /** Says which ones were left out since it was last asked, if any. */
  tell(): void {
    const [found] = this.#spans;
    if (found === undefined) return;
    const named = this.#spans
      .slice(0, MOST_NAMED)
      .map(({ first, last }) => (first === last ? `#${first}` : `#${first} to #${last}`));
    const rest = this.#spans.slice(MOST_NAMED).reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const are = this.#spans.length === 1 && found.first === found.last ? "is" : "are";
    this.#context.report({
      type: "warning",
      message: `left out: ${named.join(", ")}${rest === 0 ? "" : ` and ${rest} more`}, which ${are} damaged in the event log (${found.reason})`,
      hint: "a disk or another program has changed the file: save the others with zoho-hooks events export, then move it away, and the next listen begins a new one",
    });
    this.#told = true;
    this.#spans = [];
  }

  /** What a run ends with that has left some out. */
  get exitCode(): ExitCode {
    return this.#told ? ExitCode.usage : ExitCode.ok;
  }
}
