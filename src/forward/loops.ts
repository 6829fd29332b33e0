/** How often a record has to be changed in a row. A person who fills in a form changes it a few times. */
const MIN_CHANGES = 8;
/** From the app's answer to the next change. Zoho tells of a change within seconds. */
const MAX_PAUSE_MS = 7_000;
/** The app's own change may be told before its answer is seen here. */
const EARLY_MS = 50;
/** The most records to remember. */
const MAX_RECORDS = 1_000;

interface Change {
  readonly n: number;
  readonly product: string;
  /** Ids of the records. */
  readonly records: readonly string[];
  /** In milliseconds. */
  readonly at: number;
}

/** A record that is changed again and again, each time soon after the app's answer: the app may answer its own change. */
export interface Loop {
  readonly product: string;
  readonly record: string;
  readonly changes: number;
  readonly seconds: number;
}

/** The last changes of a record, each of which came soon after the app's answer to the one before, as far as that is known. */
interface Chain {
  readonly product: string;
  readonly record: string;
  readonly changes: { readonly n: number; readonly at: number; answeredAt?: number }[];
  isFound: boolean;
}

/** Finds loops among deliveries and answers. Each is found once, until it has paused. */
export class LoopFinder {
  readonly #onLoop: (loop: Loop) => void;
  /** By product and record, the least recently changed first. */
  #chains = new Map<string, Chain>();
  /** By the number of a delivery that the app has not answered yet. */
  #unanswered = new Map<number, readonly Chain[]>();

  constructor(onLoop: (loop: Loop) => void) {
    this.#onLoop = onLoop;
  }

  arrived({ n, product, records, at }: Change): void {
    const chains = records.map((record) => {
      const key = `${product} ${record}`;
      const chain = this.#chains.get(key) ?? { product, record, changes: [], isFound: false };
      this.#chains.delete(key);
      this.#chains.set(key, chain);
      chain.changes.push({ n, at });
      this.#look(chain);
      return chain;
    });
    dropOldest(this.#chains);
    this.#unanswered.set(n, chains);
    dropOldest(this.#unanswered);
  }

  /** The app has answered a delivery, at a time in milliseconds. It may be told after the change that follows. */
  answered(n: number, at: number): void {
    for (const chain of this.#unanswered.get(n) ?? []) {
      const change = chain.changes.find((each) => each.n === n);
      if (change !== undefined) change.answeredAt = at;
      this.#look(chain);
    }
    this.#unanswered.delete(n);
  }

  #look(chain: Chain): void {
    const { product, record, changes } = chain;
    const broken = changes.findLastIndex(({ answeredAt }, i) => {
      const next = changes[i + 1];
      const pauseMs = next === undefined || answeredAt === undefined ? 0 : next.at - answeredAt;
      return pauseMs < -EARLY_MS || pauseMs > MAX_PAUSE_MS;
    });
    if (broken >= 0) {
      changes.splice(0, broken + 1);
      chain.isFound = false;
    }
    if (changes.length > MIN_CHANGES) changes.splice(0, changes.length - MIN_CHANGES);
    const [first] = changes;
    const last = changes.at(-1);
    const isLoop =
      changes.length === MIN_CHANGES && changes.every((each) => each === last || each.answeredAt !== undefined);
    if (first === undefined || last === undefined || chain.isFound || !isLoop) return;
    chain.isFound = true;
    this.#onLoop({ product, record, changes: MIN_CHANGES, seconds: Math.round((last.at - first.at) / 1000) });
  }
}

function dropOldest<Key>(map: Map<Key, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_RECORDS) return;
    map.delete(key);
  }
}

/** What a person reads of it. */
export function loopText({ product, record, changes, seconds }: Loop): string {
  return `${product} ${record} was changed ${changes} times in ${seconds} s, each time soon after your app's answer: does your app trigger itself?`;
}
