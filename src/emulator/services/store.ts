import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type Credential, noSecrets, type Secrets, secret } from "../../delivery/secrets.ts";
import { findEvent } from "../../model/event-names.ts";
import type { Format } from "../../model/product.ts";
import { type Answer, type ApiRecord, type RecordStore, Refusal, type Subscription, type Wording } from "../answer.ts";
import type { Routes } from "../routes.ts";
import type { Service, ServiceParts } from "../service.ts";
import { digits, memberOf, nextId, type StoredRecord, storedRecord } from "../state.ts";

export type Data = Readonly<Record<string, unknown>>;
export type Operation = "add" | "edit" | "delete";

export interface Row {
  readonly id: string;
  readonly record: StoredRecord;
}

export interface StoreState<Hook> {
  hooks: Hook[];
  /** By module and id, the oldest first. */
  readonly tables: Record<string, Record<string, StoredRecord>>;
  nextId: string;
}

/** Schema of the state of a product with that kind of webhooks. */
export function storeState<Hook>(hook: z.ZodType<Hook>): z.ZodType<StoreState<Hook>> {
  const tables = z.record(z.string(), z.record(z.string(), storedRecord));
  return z.object({ hooks: z.array(hook), tables, nextId: digits });
}

/** The records and webhooks of a product. A subclass says what they must be, how its API shows them, and what follows from a write. */
export abstract class Store<Hook extends { readonly id: string }> implements RecordStore, Service {
  abstract readonly product: string;
  abstract readonly paths: RegExp;
  abstract readonly routes: Routes;
  abstract readonly fail: Wording;
  readonly records: readonly RecordStore[] = [this];
  protected abstract readonly notFound: Answer;
  protected abstract readonly moduleNames: readonly string[];
  readonly #own: () => StoreState<Hook>;
  protected readonly deliveries: ServiceParts["deliveries"];
  protected readonly now: () => number;
  protected readonly url: () => string;
  readonly note: (message: string) => void;

  /** `own`: its part of the state. */
  constructor(own: () => StoreState<Hook>, { deliveries, now, url, note }: ServiceParts) {
    this.#own = own;
    this.deliveries = deliveries;
    this.now = now;
    this.url = url;
    this.note = note;
  }

  get hooks(): readonly Hook[] {
    return this.#own().hooks;
  }

  subscriptions(): readonly Subscription[] {
    return this.hooks.map((hook) => ({ product: this.product, id: hook.id, ...this.subscription(hook) }));
  }

  abstract subscribe(product: string, given: Data): void;

  unsubscribe(_product: string, id: string): boolean {
    return this.dropHook(id);
  }

  protected abstract subscription(hook: Hook): Pick<Subscription, "url" | "events" | "enabled">;
  /** A record as the API answers it. */
  protected abstract shown(module: string, row: Row): Data;
  /** What is stored of written data. Throws a Refusal for data that the API does not accept. */
  protected abstract checked(module: string, data: Data): Data;
  /** `before`: the old values of changed members. */
  protected abstract written(operation: Operation, module: string, row: Row, before: Data): void;

  modules(): readonly { readonly name: string; readonly count: number }[] {
    return this.moduleNames.map((name) => ({ name, count: Object.keys(this.table(name)).length }));
  }

  list(module: string, limit: number): readonly ApiRecord[] {
    return this.rows(module)
      .slice(0, limit)
      .map((row) => ({ id: row.id, ...this.shown(module, row) }));
  }

  create(module: string, data: Data): ApiRecord {
    const table = this.table(module);
    const at = this.now();
    const row = { id: this.newId(), record: { data: this.checked(module, data), createdAt: at, changedAt: at } };
    table[row.id] = row.record;
    this.written("add", module, row, {});
    return { id: row.id, ...this.shown(module, row) };
  }

  change(module: string, id: string, data: Data): ApiRecord {
    const row = this.find(module, id);
    const { record } = row;
    const old = record.data;
    const changed = this.checked(module, { ...old, ...data });
    const names = Object.keys(changed).filter((name) => !isDeepStrictEqual(changed[name], memberOf(old, name)));
    if (names.length > 0) {
      Object.assign(record, { data: changed, changedAt: this.now() });
      this.written("edit", module, row, Object.fromEntries(names.map((name) => [name, memberOf(old, name) ?? null])));
    }
    return { id, ...this.shown(module, row) };
  }

  remove(module: string, id: string): void {
    const row = this.find(module, id);
    delete this.table(module)[id];
    this.written("delete", module, row, {});
  }

  /** The newest first. */
  protected rows(module: string): readonly Row[] {
    return Object.entries(this.table(module))
      .map(([id, record]) => ({ id, record }))
      .reverse();
  }

  protected find(module: string, id: string): Row {
    const record = memberOf(this.table(module), id);
    if (record !== undefined) return { id, record };
    throw new Refusal(this.notFound);
  }

  protected table(module: string): Record<string, StoredRecord> {
    if (!this.moduleNames.includes(module)) throw new Refusal(this.notFound);
    const { tables } = this.#own();
    tables[module] ??= {};
    return tables[module];
  }

  protected addHook<Made extends Hook>(hook: Made): Made {
    this.#own().hooks.push(hook);
    return hook;
  }

  /** False where there is none. */
  protected dropHook(id: string): boolean {
    const own = this.#own();
    const count = own.hooks.length;
    own.hooks = own.hooks.filter((hook) => hook.id !== id);
    return own.hooks.length < count;
  }

  protected newId(): string {
    return nextId(this.#own());
  }
}

/** The last name of the path to the first flaw that a receiver would find in the body of an event. */
export function flawIn(format: Format, event: string, body: unknown): string | undefined {
  const result = findEvent(format, event)?.event.schema.safeParse(body);
  return result?.error && String(result.error.issues[0]?.path.at(-1));
}

/** Of a product that signs with a single key. */
export function onlyKey(credential: Credential, value: unknown): Secrets {
  if (typeof value !== "string" || value === "") return noSecrets;
  const keys = [secret(value, "the emulator's key")];
  return { for: (wanted) => (wanted === credential ? keys : []), all: () => keys };
}
