import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import { noSecrets, type Secrets } from "../delivery/secrets.ts";
import { openPoster, type Poster, type PosterOptions } from "../forward/post.ts";
import type { Format } from "../model/product.ts";
import { prepare } from "../samples/prepare.ts";
import { errorText } from "../util/errors.ts";
import { BoundedList } from "./bounded-list.ts";
import type { DeliveryFault, Faults } from "./faults.ts";
import { hasVariableFor, publishedSecrets } from "./published.ts";
import type { DeliveryResult } from "./view.ts";

/** Something that happened, to be posted to a subscriber. */
export interface Outgoing {
  readonly product: string;
  readonly format: Format;
  /** Such as `Leads.create`. */
  readonly event: string;
  readonly url: string;
  /** The format encodes it; a Buffer is sent as it is. */
  readonly body: unknown;
  readonly headers?: readonly HeaderPair[];
  readonly secrets?: Secrets;
  /** Where the product documents one; otherwise `TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Called with the status of the answer, or with undefined for none. */
  onAnswer?(status: number | undefined): void;
}

/** A delivery that was sent, or lost on purpose. */
export interface SentDelivery extends DeliveryResult {
  readonly delivery: Delivery;
}
export type NumberedDelivery = SentDelivery & { readonly n: number };

/** Zoho documents no time limit for most products. */
const TIMEOUT_MS = 10_000;
const LATE_MS = 5_000;
const CONCURRENCY = 32;
/** Deliveries waiting to be sent. Writes wait for room beyond it, so that none is lost. */
const MAX_WAITING = 1000;
const MAX_KEPT = 10_000;
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

interface Entry {
  readonly outgoing: Pick<Outgoing, "product" | "event" | "timeoutMs" | "onAnswer">;
  readonly isPublished: boolean;
  readonly fault?: DeliveryFault | undefined;
  readonly again?: number;
  readonly delivery: Delivery;
}

export interface DeliveriesOptions {
  readonly faults: Faults;
  readonly env: PosterOptions["env"];
  now(): number;
  onSent(delivery: NumberedDelivery): void;
}

/** Posts what the products of the organisation send, signed as Zoho signs it, and keeps what was sent. */
export class Deliveries {
  sent = new BoundedList<SentDelivery>(MAX_KEPT, MAX_KEPT_BYTES);
  readonly #options: DeliveriesOptions;
  readonly #waiting: Entry[] = [];
  /** Held back until the next one to the same URL has gone. */
  readonly #heldBack = new Map<string, Entry[]>();
  readonly #late = new Set<NodeJS.Timeout>();
  readonly #onChange = new Set<() => void>();
  #poster: Promise<Poster> | undefined;
  #running = 0;
  #isClosed = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Signs a delivery and takes it to be sent; it does not wait for the answer. */
  send(outgoing: Outgoing): void {
    const { product, format, event, url, body, headers = [], secrets = noSecrets } = outgoing;
    const fault = this.#options.faults.deliveries.take(outgoing);
    const now = new Date(this.#options.now());
    const { delivery } = prepare({ product, format, event, url, body, headers, secrets, now });
    const isPublished =
      secrets === publishedSecrets && format.proofs.some(({ credential }) => hasVariableFor(credential));
    const entry: Entry = { outgoing, isPublished, fault, delivery };
    if (fault === "late") {
      const timer = setTimeout(() => {
        this.#late.delete(timer);
        this.#push(entry);
      }, LATE_MS);
      this.#late.add(timer);
      return;
    }
    const held = this.#heldBack.get(url) ?? [];
    if (fault === "out-of-order") {
      this.#heldBack.set(url, [...held, entry]);
      return;
    }
    this.#heldBack.delete(url);
    for (const each of [entry, ...(fault === "twice" ? [entry] : []), ...held]) this.#push(each);
  }

  /** Posts a request that checks a URL before its webhook is saved. Resolves to the status of the answer. */
  probe(of: Pick<Outgoing, "product" | "event" | "timeoutMs">, delivery: Delivery): Promise<number | undefined> {
    return new Promise((onAnswer) => this.#push({ outgoing: { ...of, onAnswer }, isPublished: false, delivery }));
  }

  /** Sends the same bytes once more; false where the delivery is not kept any more. */
  sendAgain(n: number): boolean {
    const found = this.sent.find(n);
    if (found === undefined) return false;
    this.#push({ outgoing: found, isPublished: found.isPublished, again: n, delivery: found.delivery });
    return true;
  }

  /** Resolves once a write may add deliveries. */
  async room(): Promise<void> {
    while (this.#waiting.length >= MAX_WAITING && !this.#isClosed) await this.#changed();
  }

  /** Resolves once everything that was to be sent has been answered or has failed, but for what waits behind a next one. */
  async settled(): Promise<void> {
    while (this.#waiting.length + this.#running + this.#late.size > 0 && !this.#isClosed) await this.#changed();
  }

  /** Discards queued deliveries and the history, including deliveries in flight. */
  clear(): void {
    for (const timer of this.#late) clearTimeout(timer);
    this.#late.clear();
    this.#heldBack.clear();
    for (const { outgoing } of this.#waiting.splice(0)) outgoing.onAnswer?.(undefined);
    this.sent = new BoundedList(MAX_KEPT, MAX_KEPT_BYTES);
    this.#notify();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.clear();
    await (await this.#poster)?.close();
  }

  #push(entry: Entry): void {
    this.#waiting.push(entry);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < CONCURRENCY && !this.#isClosed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running++;
      void this.#post(next).finally(() => {
        this.#running--;
        this.#notify();
        this.#pump();
      });
    }
  }

  async #post({ outgoing, isPublished, fault, again, delivery }: Entry): Promise<void> {
    const { env, now, onSent } = this.#options;
    const { sent } = this;
    const { product, event, timeoutMs: atMostMs = TIMEOUT_MS } = outgoing;
    const unanswered = { status: undefined, error: undefined, ms: undefined };
    const about = { at: now(), product, event, isPublished, again, fault, delivery, ...unanswered };
    const finish = (result: Partial<DeliveryResult>): void => {
      // After a reset, ids are given again: an answer from before is not for their new owners.
      const isForgotten = sent !== this.sent;
      if (!isForgotten) onSent(sent.add({ ...about, ...result }, delivery.body.length + 1000));
      if (fault !== "lost") outgoing.onAnswer?.(isForgotten || result.error !== undefined ? undefined : result.status);
    };
    if (fault === "lost") return finish({});
    try {
      this.#poster ??= openPoster({ timeoutMs: TIMEOUT_MS, connections: CONCURRENCY, insecure: false, env });
      const { status, error, latencyMs } = await (await this.#poster).post(delivery, { atMostMs });
      finish({ status, error: error?.message, ms: Math.round(latencyMs) });
    } catch (error) {
      finish({ error: errorText(error) });
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#onChange.add(resolve));
  }

  #notify(): void {
    const all = [...this.#onChange];
    this.#onChange.clear();
    for (const each of all) each();
  }
}
