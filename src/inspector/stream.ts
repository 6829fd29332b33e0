import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { changes, type GrowingLog, type LogChange } from "../history/changes.ts";
import type { LogEnds, LogFilter, LogListOptions, LogRow } from "../log/log.ts";
import { sleepRealTime } from "../util/timing.ts";
import type { EventRow, State, StreamMessage } from "./api.ts";

export interface EventSource {
  readonly log: GrowingLog;
  toRows(rows: readonly LogRow[]): Promise<readonly EventRow[]>;
  state(): Promise<State>;
}

const STATE_INTERVAL_MS = 3000;
/** A heartbeat after so many states, every 15 s, tells apart a quiet stream and a dead connection. */
const STATES_PER_HEARTBEAT = 5;
/** After an error, such as a locked log. */
const RETRY_MS = 200;
/** A watcher with more unsent bytes than this gets nothing more until it has read them. */
const MAX_UNSENT_BYTES = 1_000_000;
/** After a reconnection the page may show old states of as many events. */
const REFRESHED = 500;

interface Watcher {
  readonly response: ServerResponse;
  /** Aborts when the connection or the stream ends. */
  readonly signal: AbortSignal;
  /** The message of the state that was sent last. */
  state: string;
}

/**
 * Sends the events of a log as server-sent events to any number of watchers, each from its position in the log. A slow one gets
 * no new messages until it has read those before, so memory is bounded and no event is left out or sent twice.
 */
export class EventStream {
  readonly #source: EventSource;
  readonly #onError: (error: unknown) => void;
  readonly #mask: (json: string) => string;
  readonly #watchers = new Set<Watcher>();
  readonly #closed = new AbortController();
  /** Aborts when the state is to be read at once. */
  #stateDue = new AbortController();
  #sendingStates: Promise<void> | undefined;
  readonly #following = new Set<Promise<void>>();

  constructor(source: EventSource, onError: (error: unknown) => void, mask: (json: string) => string) {
    this.#source = source;
    this.#onError = onError;
    this.#mask = mask;
  }

  /** `lastEventId`: the last number that the page has; undefined to send only what comes from now on. */
  async add(response: ServerResponse, lastEventId: number | undefined): Promise<void> {
    const ends = await this.#source.log.ends();
    const state = await this.#stateMessage();
    const last = lastEventId ?? ends.newest;
    const isKnown = lastEventId !== undefined && last <= ends.newest;
    const known = isKnown
      ? await this.#rows({ after: Math.max(0, last - REFRESHED), before: last + 1 }, REFRESHED)
      : [];
    const changed = await this.#changedMessage(known);
    // It may have gone away meanwhile, and would never be deleted.
    if (response.destroyed) return;
    const gone = new AbortController();
    const watcher = { response, signal: AbortSignal.any([gone.signal, this.#closed.signal]), state };
    this.#watchers.add(watcher);
    response.once("close", () => {
      gone.abort();
      this.#watchers.delete(watcher);
    });
    send(watcher, state);
    send(watcher, changed);
    // A page that connects again may show what was pruned meanwhile.
    const oldest = lastEventId === undefined ? ends.oldest : 1;
    const following = this.#follow(watcher, { ...ends, newest: last, oldest });
    this.#following.add(following);
    following.finally(() => this.#following.delete(following));
    this.#sendingStates ??= this.#sendStates();
  }

  /** Has the state read anew at once: something has just been sent. */
  renewState(): void {
    this.#stateDue.abort();
  }

  /** Has each page read its list anew: events were removed. */
  reset(): void {
    for (const watcher of this.#watchers) send(watcher, this.#message("reset", {}));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
    await Promise.all([...this.#following, this.#sendingStates]);
  }

  /** Sends the changes after a position until the watcher goes away. */
  async #follow(watcher: Watcher, from: LogEnds): Promise<void> {
    const { response, signal } = watcher;
    let position = from;
    while (!signal.aborted) {
      try {
        for await (const change of changes(this.#source.log, { from: position, signal, onDamaged() {} })) {
          send(watcher, await this.#messages(change, position));
          position = change.position;
          if (!hasRoom(watcher)) await once(response, "drain", { signal }).catch(() => {});
        }
      } catch (error) {
        this.#onError(error);
        await sleepRealTime(RETRY_MS, signal);
      }
    }
  }

  async #messages({ rows, attempts, position, isReplaced }: LogChange, before: LogEnds): Promise<string> {
    const texts: string[] = [];
    if (isReplaced) texts.push(this.#message("reset", {}));
    else if (position.oldest > before.oldest) texts.push(this.#message("pruned", { oldest: position.oldest }));
    if (rows.length > 0) {
      const events = await this.#source.toRows(rows);
      texts.push(`id: ${position.newest}\n${this.#message("events", events)}`);
    }
    // New rows have the results of these attempts.
    const changed = new Set(attempts.map(({ n }) => n).filter((n) => n <= before.newest));
    const old: LogRow[] = [];
    for (const n of changed) old.push(...(await this.#rows({ after: n - 1, before: n + 1 }, 1)));
    texts.push(await this.#changedMessage(old));
    return texts.join("");
  }

  async #rows(filter: LogFilter, limit: number): Promise<readonly LogRow[]> {
    const rows: LogRow[] = [];
    const options: LogListOptions = { limit, order: "oldest", onDamaged() {} };
    for await (const row of this.#source.log.rows(filter, options)) rows.push(row);
    return rows;
  }

  /** Sends the state while there is a watcher, when it has changed, and heartbeats. */
  async #sendStates(): Promise<void> {
    for (let count = 1; this.#watchers.size > 0 && !this.#closed.signal.aborted; count++) {
      await sleepRealTime(STATE_INTERVAL_MS, AbortSignal.any([this.#closed.signal, this.#stateDue.signal]));
      this.#stateDue = new AbortController();
      const isHeartbeat = count % STATES_PER_HEARTBEAT === 0;
      try {
        const state = await this.#stateMessage();
        for (const watcher of this.#watchers) {
          if (!hasRoom(watcher)) continue;
          if (watcher.state !== state) send(watcher, state);
          watcher.state = state;
          if (isHeartbeat) send(watcher, ": \n\n");
        }
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#sendingStates = undefined;
  }

  async #stateMessage(): Promise<string> {
    return this.#message("state", await this.#source.state());
  }

  async #changedMessage(rows: readonly LogRow[]): Promise<string> {
    return rows.length === 0 ? "" : this.#message("changed", await this.#source.toRows(rows));
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
