import { renderFailure } from "../../../reports/failure.ts";
import { fitText } from "../../../reports/layout.ts";
import type { Report } from "../../../reports/text.ts";
import { counted } from "../../../util/units.ts";
import type { CommandContext } from "../../command.ts";
import type { BottomLine } from "./bottom-line.ts";

/** The event log has all reports, so memory need not. */
const MAX_REPORTS = 2000;
const MAX_BODY_BYTES = 8_000_000;

/** What a run prints above its bottom line. */
export class Screen {
  readonly #context: CommandContext;
  readonly #line: BottomLine;
  /** The reports that wait while the output is paused; undefined while it is not. */
  #waiting: Report[] | undefined;
  #bodyBytes = 0;
  #dropped = 0;

  constructor(context: CommandContext, line: BottomLine) {
    this.#context = context;
    this.#line = line;
  }

  /** How many reports wait while the output is paused; undefined while it is not. */
  get paused(): number | undefined {
    return this.#waiting && this.#waiting.length + this.#dropped;
  }

  /** Shows a report of the run: now, or when the output is no longer paused. */
  show(report: Report): void {
    const bytes = report.type === "event" ? report.person.event.body.length : 0;
    if (this.#waiting === undefined) this.print(report);
    else if (this.#waiting.length >= MAX_REPORTS || this.#bodyBytes + bytes > MAX_BODY_BYTES) this.#dropped++;
    else {
      this.#bodyBytes += bytes;
      this.#waiting.push(report);
    }
    this.#line.schedule();
  }

  /** Prints the answer to a key at once. */
  print(report: Report): void {
    this.#line.erase();
    this.#context.report(report);
    this.#line.schedule();
  }

  async printFailure(error: unknown): Promise<void> {
    const { verbose, knownSecrets, stderr, argv } = this.#context;
    const options = { json: false, quiet: false, verbose, color: !argv.includes("--no-color") };
    const text = knownSecrets.mask(await renderFailure(error, this.#context, options));
    this.#line.erase();
    stderr.write(fitText(text, stderr));
    this.#line.schedule();
  }

  pause(): void {
    this.#waiting ??= [];
  }

  /** Shows what was reported while the output was paused, and says how much was left out. */
  resume(): void {
    const [waiting = [], dropped] = [this.#waiting, this.#dropped];
    this.#waiting = undefined;
    this.#bodyBytes = 0;
    this.#dropped = 0;
    for (const each of waiting) this.print(each);
    if (dropped === 0) return;
    const message = `${counted(dropped, "report was", "reports were")} left out while the output was paused`;
    this.print({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
  }
}
