export interface WriteOptions<T> {
  /** What nobody outside is told of need not be. True unless it is given. */
  readonly durable?: boolean;
  /** Called as soon as it is committed, when others can read it, and before it is on the disk. */
  onCommit?(value: T): void;
  /** Called when it was committed and may never get to the disk: it was promised to nobody, and must not stay as it is. */
  onUnsynced?(value: T): void;
}

/** A write on its way through a transaction, to the disk, and to whom it was promised. */
export interface Job {
  readonly durable: boolean;
  /** By which it is rejected where another process holds the lock. */
  readonly deadline: number;
  /** Inside the transaction; again when the transaction is repeated. */
  run(): void;
  committed(): void;
  unsynced(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** One object and no closure for each of its steps: it is made for every event. */
export class WriteJob<T> implements Job {
  readonly durable: boolean;
  readonly deadline: number;
  readonly reject: (error: unknown) => void;
  readonly #work: () => T;
  readonly #options: WriteOptions<T>;
  readonly #resolve: (value: T) => void;
  /** What the work has come to, once it has run. */
  #value: T | undefined;

  constructor(
    work: () => T,
    options: WriteOptions<T>,
    deadline: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.durable = options.durable ?? true;
    this.deadline = deadline;
    this.reject = reject;
    this.#work = work;
    this.#options = options;
    this.#resolve = resolve;
  }

  run(): void {
    this.#value = this.#work();
  }

  committed(): void {
    this.#options.onCommit?.(this.#value as T);
  }

  unsynced(): void {
    this.#options.onUnsynced?.(this.#value as T);
  }

  resolve(): void {
    this.#resolve(this.#value as T);
  }
}
