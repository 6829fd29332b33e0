import { setTimeout as delay } from "node:timers/promises";

/** More keys than this are not typed ahead while a command runs. */
const MAX_QUEUED = 10;
/** A command that still runs does not keep the run from ending. */
const STOP_TIMEOUT_MS = 1000;

interface QueueUser {
  /** Aborts when no other command is to start. */
  readonly signal: AbortSignal;
  /** Called when `busy` has changed. */
  onChange(): void;
  onFailure(error: unknown): Promise<void>;
}

/** Runs the commands of keys one after another. One that fails is shown, and the run goes on. */
export class CommandQueue {
  readonly #user: QueueUser;
  #queued = 0;
  #last: Promise<void> = Promise.resolve();
  #busy: string | undefined;

  constructor(user: QueueUser) {
    this.#user = user;
  }

  /** The command that is running, such as `replaying #12`. */
  get busy(): string | undefined {
    return this.#busy;
  }

  set busy(text: string | undefined) {
    this.#busy = text;
    this.#user.onChange();
  }

  /** Leaves the command out where too many wait. */
  add(text: string, run: () => Promise<unknown>): void {
    if (this.#queued >= MAX_QUEUED) return;
    this.#queued++;
    this.#last = this.#last.then(() => this.#run(text, run));
  }

  /** Resolves when all have run, or after a second. */
  async ended(): Promise<void> {
    await Promise.race([this.#last, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async #run(text: string, run: () => Promise<unknown>): Promise<void> {
    this.busy = text;
    try {
      if (!this.#user.signal.aborted) await run();
    } catch (error) {
      if (!this.#user.signal.aborted) await this.#user.onFailure(error);
    }
    this.#queued--;
    this.busy = undefined;
  }
}
