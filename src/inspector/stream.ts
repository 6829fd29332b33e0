import type { ServerResponse } from "node:http";
import type { LogEnds } from "../log/log.ts";
import { sleepRealTime } from "../util/timing.ts";
import type { EventRow, State, StreamMessage } from "./api.ts";

/** The log that the stream is read from. Numbers count from 1. */
export interface EventSource {
  /** The numbers of the oldest and newest event, and the id of the last attempt; 0 where there is none. */
  ends(): Promise<LogEnds>;
  /** The events after a number, oldest first. */
  after(n: number, limit: number): Promise<readonly EventRow[]>;
  /** The events with these numbers that exist. */
  rows(numbers: Iterable<number>): Promise<readonly EventRow[]>;
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
/** A watcher with more unsent bytes than this gets nothing more until it has read some of them. */
const MAX_UNSENT_BYTES = 1_000_000;
/** After a reconnection the page may show old states of as many events. */
const REFRESHED = 500;

/** How far the log has been sent. */
interface Position {
  /** The number of the last event. */
  readonly n: number;
  /** The id of the last attempt. */
  readonly attempt: number;
}

/** The messages after a position. */
interface Batch {
  readonly text: string;
  readonly end: Position;
  /** There may be more. */
  readonly more: boolean;
}

interface Watcher {
  readonly response: ServerResponse;
  position: Position;
  /** The message of the state that was sent last. */
  state: string;
  /** The number up to which it knows what was pruned. */
  oldest: number;
}

/**
 * Sends the events of a log to any number of watchers, each from its position in the log. Those at the same position share a
 * reading. A slow one gets no new messages until it has read those before, so memory is bounded and no event is left out or
 * sent twice.
 */
export class EventStream {
  readonly #source: EventSource;
  readonly #onError: (error: unknown) => void;
  readonly #mask: (json: string) => string;
  readonly #watchers = new Set<Watcher>();
  readonly #closed = new AbortController();
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
    const { oldest, newest, lastAttempt: attempt } = await this.#source.ends();
    const state = await this.#stateMessage();
    const last = lastEventId ?? newest;
    const isReset = newest > 0 && last > newest;
    const refreshed =
      lastEventId === undefined || isReset ? [] : await this.#source.after(Math.max(0, last - REFRESHED), REFRESHED);
    const known = refreshed.filter(({ n }) => n <= last);
    // It may have gone away meanwhile, and would never be deleted.
    if (response.destroyed) return;
    const position = { n: isReset ? newest : last, attempt };
    // A page that connects again may show what was pruned meanwhile.
    const watcher: Watcher = { response, position, state, oldest: lastEventId === undefined ? oldest : 1 };
    send(watcher, state);
    if (isReset) send(watcher, this.#message("reset", {}));
    if (known.length > 0) send(watcher, this.#message("changed", known));
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
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
      await sleepRealTime(POLL_INTERVAL_MS, this.#closed.signal);
    }
    this.#running = undefined;
  }

  /** Has the state read anew at once: something has just been sent. */
  renewState(): void {
    this.#stateAt = Number.NEGATIVE_INFINITY;
  }

  /** Has each page read its list anew: events were removed. */
  reset(): void {
    for (const watcher of this.#watchers) send(watcher, this.#message("reset", {}));
  }

  async #poll(): Promise<void> {
    for (let behind = [...this.#watchers]; behind.length > 0; ) behind = await this.#sendBatches(behind);
    const now = performance.now();
    if (now - this.#stateAt >= STATE_INTERVAL_MS) {
      this.#stateAt = now;
      await this.#sendState();
    }
    if (now - this.#beatAt < HEARTBEAT_MS) return;
    this.#beatAt = now;
    for (const watcher of this.#watchers) if (hasRoom(watcher)) send(watcher, ": \n\n");
  }

  /** Sends the next batch to each watcher that has room for it. Returns those for which there may be another one. */
  async #sendBatches(watchers: readonly Watcher[]): Promise<Watcher[]> {
    const batches = new Map<string, Batch>();
    const behind: Watcher[] = [];
    for (const watcher of watchers) {
      if (!this.#watchers.has(watcher) || !hasRoom(watcher)) continue;
      const key = Object.values(watcher.position).join();
      const batch = batches.get(key) ?? (await this.#read(watcher.position));
      batches.set(key, batch);
      send(watcher, batch.text);
      watcher.position = batch.end;
      if (batch.more) behind.push(watcher);
    }
    return behind;
  }

  async #read({ n, attempt }: Position): Promise<Batch> {
    // Attempts first: the rows that are read after them have their results already.
    const attempts = await this.#source.attemptsAfter(attempt);
    const last = attempts.at(-1);
    if (last !== undefined) {
      const changed = new Set(attempts.map((each) => each.n).filter((each) => each <= n));
      const text = changed.size === 0 ? "" : this.#message("changed", await this.#source.rows(changed));
      return { text, end: { n, attempt: last.id }, more: true };
    }
    const rows = await this.#source.after(n, MAX_BATCH);
    const newest = rows.at(-1)?.n;
    if (newest === undefined) return { text: "", end: { n, attempt }, more: false };
    const text = `id: ${newest}\n${this.#message("events", rows)}`;
    return { text, end: { n: newest, attempt }, more: rows.length === MAX_BATCH };
  }

  async #sendState(): Promise<void> {
    // One that is added meanwhile may know a later event than is read here.
    const watchers = [...this.#watchers];
    const state = await this.#stateMessage();
    const { oldest, newest } = await this.#source.ends();
    for (const watcher of watchers) {
      // A log that was replaced by another one counts from 1 again. The page connects again and reads its list anew.
      if (newest > 0 && watcher.position.n > newest) watcher.response.destroy();
      if (!hasRoom(watcher)) continue;
      if (watcher.state !== state) send(watcher, state);
      // Of an empty log nothing that was sent is left.
      const first = newest === 0 && watcher.position.n > 0 ? watcher.position.n + 1 : oldest;
      if (watcher.oldest < first) send(watcher, this.#message("pruned", { oldest: first }));
      Object.assign(watcher, { state, oldest: first });
    }
  }

  async #stateMessage(): Promise<string> {
    return this.#message("state", await this.#source.state());
  }

  /** JSON has no line ends, which would end the message. */
  #message<Name extends StreamMessage["name"]>(
    name: Name,
    data: Extract<StreamMessage, { readonly name: Name }>["data"],
  ): string {
    return `event: ${name}\ndata: ${this.#mask(JSON.stringify(data))}\n\n`;
  }
}

function hasRoom({ response }: Watcher): boolean {
  return response.writableLength <= MAX_UNSENT_BYTES;
}

function send({ response }: Watcher, text: string): void {
  if (text !== "" && !response.destroyed) response.write(text);
}
