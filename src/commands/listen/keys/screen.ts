import { renderFailure } from "../../../reports/failure.ts";
import { fitText } from "../../../reports/layout.ts";
import type { Report } from "../../../reports/report.ts";
import type { CommandContext } from "../../command.ts";
import type { BottomLine } from "./bottom-line.ts";
import { ReportBuffer } from "./report-buffer.ts";

/** What a run prints above its bottom line. */
export class Screen {
  readonly #context: CommandContext;
  readonly #line: BottomLine;
  readonly #buffer = new ReportBuffer();
  #isPaused = false;
  #isAway = false;

  constructor(context: CommandContext, line: BottomLine) {
    this.#context = context;
    this.#line = line;
  }

  /** The reports that wait while the output is paused; undefined while it is not. */
  get paused(): number | undefined {
    return this.#isPaused ? this.#buffer.count : undefined;
  }

  /** An editor or a question has the terminal. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Shows a report of the run: now, or when the output is neither paused nor away. */
  show(report: Report): void {
    if (!this.#isPaused && !this.#isAway) {
      this.print(report);
      return;
    }
    this.#buffer.add(report);
    this.#line.schedule();
  }

  /** Prints the answer to a key at once. A selected event takes the place of the one that was selected before. */
  print(report: Report): void {
    if (report.type === "event" && report.selected) this.#line.eraseReplaceable();
    else this.#line.erase();
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

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#release();
  }

  /** Another program is about to have the terminal. */
  leave(): void {
    this.#isAway = true;
  }

  comeBack(): void {
    this.#isAway = false;
    this.#release();
  }

  #release(): void {
    if (!this.#isPaused && !this.#isAway) this.#buffer.release((report) => this.print(report));
  }
}
