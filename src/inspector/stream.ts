import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { EventRow, State, StreamMessage } from "./api.ts";

/** The log that the stream is read from. Numbers count from 1. */
export interface EventSource {
  /** The numbers of the oldest and newest event; 0 where there is none. */
  ends(): Promise<{ readonly oldest: number; readonly newest: number }>;
  /** The events after a number, oldest first. */
  after(n: number, limit: number): Promise<readonly EventRow[]>;
  /** Those of these that exist. */
  rows(numbers: Iterable<number>): Promise<readonly EventRow[]>;
  /** The id of the last attempt; 0 where there is none. */
  lastAttempt(): Promise<number>;
  /** The next attempts after an id, with the numbers of their events; empty at the end. */
  attemptsAfter(id: number): Promise<readonly { readonly id: number; readonly n: number }[]>;
  state(): Promise<State>;
}

/** Soon enough to look immediate to a person, and long enough that most events arrive with their final state. */
const POLL_INTERVAL_MS = 200;
const STATE_INTERVAL_MS = 3000;
/** Tells apart a quiet stream and a dead connection. */
const HEARTBEAT_MS = 15_000;
const MAX_BATCH = 500;
/** A watcher with more unsent bytes than this reads the log itself once they are sent. */
const MAX_UNSENT_BYTES = 1_000_000;
/** After a reconnection the page may show old states of as many events. */
const REFRESHED = 500;
const MAX_MISSED = 2000;

interface Watcher {
  readonly response: ServerResponse;
  /** The number of the last event that was sent. */
  position: number;
  /** False while it reads the log by itself. */
  live: boolean;
  /** Changed events that were not sent to it, because it is not live. */
  readonly missed: Set<number>;
  /** The state that was sent last, as JSON. */
  state: string;
  /** The number up to which it knows what was pruned. */
  oldest: number;
}

/**
 * Sends the events of a log to any number of watchers. All share one reader; a slow one gets no new messages until it has read
 * those before, then what it has missed from the log, so memory is bounded and no event is left out or sent twice.
 */
export class EventStream {
  readonly #source: EventSource;
  readonly #onError: (error: unknown) => void;
  readonly #mask: (json: string) => string;
  readonly #watchers = new Set<Watcher>();
  readonly #closed = new AbortController();
  #position = 0;
  #attemptId = 0;
  #stateAt = 0;
  #beatAt = 0;
  #running: Promise<void> | undefined;

  constructor(source: EventSource, onError: (error: unknown) => void, mask: (json: string) => string) {
    this.#source = source;
    this.#onError = onError;
    this.#mask = mask;
  }

  /** `lastEventId`: the last number that the page has; undefined to send only what comes from now on. */
  async add(response: ServerResponse, lastEventId: number | undefined): Promise<void> {
    const { oldest, newest } = await this.#source.ends();
    if (this.#watchers.size === 0) {
      this.#attemptId = await this.#source.lastAttempt();
      this.#position = newest;
    }
    const state = await this.#stateText();
    // It may have gone away meanwhile, and would never be deleted.
    if (response.destroyed) return;
    const watcher: Watcher = {
      response,
      position: Math.min(lastEventId ?? this.#position, newest === 0 ? Number.POSITIVE_INFINITY : newest),
      live: false,
      missed: new Set(),
      state,
      // A page that connects again may show what was pruned meanwhile.
      oldest: lastEventId === undefined ? oldest : 1,
    };
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
    send(watcher, this.#text("state", state));
    if (lastEventId !== undefined && lastEventId > newest && newest > 0) send(watcher, this.#text("reset", "{}"));
    else if (lastEventId !== undefined) {
      const first = Math.max(0, lastEventId - REFRESHED);
      const known = (await this.#source.after(first, REFRESHED)).filter(({ n }) => n <= lastEventId);
      if (known.length > 0) send(watcher, this.#text("changed", JSON.stringify(known)));
    }
    void this.#catchUp(watcher);
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#watchers.size > 0 && !this.#closed.signal.aborted) {
      try {
        await this.#poll();
      } catch (error) {
        this.#onError(error);
      }
      await delay(POLL_INTERVAL_MS, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
    this.#running = undefined;
  }

  async #poll(): Promise<void> {
    // Attempts first: the rows that are read after them have their results already.
    for (;;) {
      const attempts = await this.#source.attemptsAfter(this.#attemptId);
      const last = attempts.at(-1);
      if (last === undefined) break;
      this.#attemptId = last.id;
      await this.#sendChanged(new Set(attempts.map(({ n }) => n).filter((n) => n <= this.#position)));
    }
    for (let full = true; full; ) {
      const rows = await this.#source.after(this.#position, MAX_BATCH);
      full = rows.length === MAX_BATCH;
      const last = rows.at(-1)?.n;
      if (last === undefined) break;
      this.#position = last;
      const shared = this.#events(rows);
      for (const watcher of this.#watchers) {
        // One that is not live is told once it is.
        if (!watcher.live) continue;
        const isAhead = watcher.position >= (rows[0]?.n ?? 0);
        const own = isAhead ? rows.filter(({ n }) => n > watcher.position) : rows;
        if (own.length === 0) continue;
        watcher.position = last;
        this.#deliver(watcher, isAhead ? this.#events(own) : shared);
      }
    }
    const now = performance.now();
    if (now - this.#stateAt >= STATE_INTERVAL_MS) await this.#pollState(now);
    if (now - this.#beatAt < HEARTBEAT_MS) return;
    this.#beatAt = now;
    for (const watcher of this.#watchers) if (watcher.live) this.#deliver(watcher, ": \n\n");
  }

  async #pollState(now: number): Promise<void> {
    this.#stateAt = now;
    const state = await this.#stateText();
    const before = [...this.#watchers].map((watcher) => ({ watcher, position: watcher.position }));
    const { oldest, newest } = await this.#source.ends();
    if (newest > 0) this.#position = Math.min(this.#position, newest);
    for (const { watcher, position } of before) {
      // A log that was replaced by another one counts from 1 again. The page connects again and reads its list anew.
      if (newest > 0 && position > newest) watcher.response.destroy();
      if (!watcher.live) continue;
      if (watcher.state !== state) this.#deliver(watcher, this.#text("state", state));
      if (watcher.oldest < oldest) this.#deliver(watcher, this.#text("pruned", JSON.stringify({ oldest })));
      Object.assign(watcher, { state, oldest });
    }
  }

  async #stateText(): Promise<string> {
    return JSON.stringify(await this.#source.state());
  }

  async #sendChanged(numbers: ReadonlySet<number>): Promise<void> {
    if (numbers.size === 0) return;
    const rows = await this.#source.rows(numbers);
    const message = this.#text("changed", JSON.stringify(rows));
    for (const watcher of this.#watchers) {
      if (watcher.live) this.#deliver(watcher, message);
      else if (watcher.missed.size <= MAX_MISSED) for (const n of numbers) watcher.missed.add(n);
    }
  }

  #deliver(watcher: Watcher, message: string): void {
    send(watcher, message);
    if (watcher.response.writableLength > MAX_UNSENT_BYTES) void this.#catchUp(watcher);
  }

  /** Sends what is in the log after the watcher's position, as fast as it reads, until it has all that was read so far. */
  async #catchUp(watcher: Watcher): Promise<void> {
    watcher.live = false;
    const { response } = watcher;
    try {
      for (;;) {
        await drained(response);
        if (response.destroyed || !this.#watchers.has(watcher)) return;
        if (watcher.position >= this.#position && watcher.missed.size === 0) break;
        if (watcher.position < this.#position) {
          const rows = await this.#source.after(watcher.position, MAX_BATCH);
          watcher.position = rows.at(-1)?.n ?? this.#position;
          if (rows.length > 0) send(watcher, this.#events(rows));
          continue;
        }
        const isTooMany = watcher.missed.size > MAX_MISSED;
        const changed = [...watcher.missed].filter((n) => n <= watcher.position);
        watcher.missed.clear();
        send(
          watcher,
          isTooMany
            ? this.#text("reset", "{}")
            : this.#text("changed", JSON.stringify(await this.#source.rows(changed))),
        );
      }
      watcher.live = true;
    } catch (error) {
      this.#onError(error);
      // The page connects again.
      response.destroy();
    }
  }

  #events(rows: readonly EventRow[]): string {
    return `id: ${rows.at(-1)?.n}\n${this.#text("events", JSON.stringify(rows))}`;
  }

  /** JSON has no line ends, which would end the message. */
  #text(name: StreamMessage["name"], json: string): string {
    return `event: ${name}\ndata: ${this.#mask(json)}\n\n`;
  }
}

function send({ response }: Watcher, message: string): void {
  if (!response.destroyed) response.write(message);
}

function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      response.off("drain", end).off("close", end);
      resolve();
    };
    response.on("drain", end).on("close", end);
  });
}
