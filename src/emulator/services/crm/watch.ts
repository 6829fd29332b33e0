import type { Format } from "../../../model/product.ts";
import { bigin } from "../../../products/bigin.ts";
import { crm } from "../../../products/crm.ts";
import { recruit } from "../../../products/recruit.ts";
import { isRecord } from "../../../util/json.ts";
import {
  type Answer,
  type ApiRequest,
  defaultWording,
  errorAnswer,
  type Refusal,
  type Result,
  type Subscription,
} from "../../answer.ts";
import type { Deliveries, Outgoing } from "../../deliveries.ts";
import { isOwnClient } from "../../own-client.ts";
import type { Routes } from "../../routes.ts";
import type { ServiceParts } from "../../service.ts";
import { textOf } from "../../state.ts";
import {
  answerResults,
  isAllowed,
  missing,
  page,
  refuseItem,
  scopeMismatch,
  success,
  writeEach,
  zohoTime,
} from "./api.ts";
import type { Modules } from "./modules.ts";
import type { ChannelRow, WatchState } from "./state.ts";
import {
  checkItem,
  eventsOf,
  type Item,
  isTold,
  longestMs,
  patchedRows,
  type RowOptions,
  rowsOf,
} from "./watch-item.ts";

/** A change of records that channels may watch. */
export interface Change {
  readonly product: string;
  readonly module: string;
  readonly verb: "create" | "edit" | "delete";
  readonly ids: readonly string[];
  /** Default: now. */
  readonly at?: number;
  /** `affected_fields` and `affected_values` of the notification, one for each id. */
  readonly fields?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly values?: readonly { readonly record_id: string; readonly values: Readonly<Record<string, unknown>> }[];
  /** Of records that refer to these. Only channels with `notify_on_related_action` are told. */
  readonly related?: boolean;
}

/** The API in the URIs of a notification. */
const URI_APIS: Readonly<Record<string, string>> = { crm: "crm/v2", bigin: "bigin/v1", recruit: "recruit/v2" };
const OPERATIONS = { create: "insert", edit: "update", delete: "delete" } as const;
const FORMATS: Readonly<Record<string, Format | undefined>> = Object.fromEntries(
  [crm, bigin, recruit].map(({ id, formats }) => [id, formats.find((format) => format.id === "wire")]),
);

/** The notification API of one organisation: rejects what Zoho rejects, and forgets expired channels. */
export class Watch {
  readonly routes: Routes = {
    "* /{product}/v{version}/actions/watch": (call) => this.answer(call, call.scopes),
  };
  readonly #now: () => number;
  readonly #own: () => WatchState;
  readonly #modules: Modules;
  readonly #url: () => string;

  constructor(own: () => WatchState, modules: Modules, { now, url }: Pick<ServiceParts, "now" | "url">) {
    this.#own = own;
    this.#now = now;
    this.#modules = modules;
    this.#url = url;
  }

  /** The active channels, one row for each module. */
  rows(): readonly ChannelRow[] {
    const watch = this.#own();
    watch.rows = watch.rows.filter((row) => row.expiresAt > this.#now());
    return watch.rows;
  }

  /** One for each channel, whose rows are one for each module. */
  subscriptions(): readonly Subscription[] {
    const channels = new Map<string, Subscription>();
    for (const { product, channelId: id, notifyUrl: url, events, expiresAt } of this.rows()) {
      const known = channels.get(`${product} ${id}`)?.events ?? [];
      channels.set(`${product} ${id}`, { product, id, url, events: [...known, ...events], expiresAt, enabled: true });
    }
    return [...channels.values()];
  }

  isAlive(channelId: string): boolean {
    return this.rows().some((row) => row.channelId === channelId);
  }

  /**
   * Remembers which channels expire by aging, because no clock shows it: `zoho-hooks` finds them listed with their past expiry, and
   * all other clients find them gone, as at Zoho.
   */
  aging(): () => void {
    const watch = this.#own();
    const alive = this.rows();
    return () => {
      watch.expired = [...(watch.expired ?? []), ...alive.filter((row) => row.expiresAt <= this.#now())];
    };
  }

  /** Adds a channel as the newest API does. One without an expiry lives as long as a channel can. */
  subscribe(product: string, item: Item): void {
    const options = { product, version: 8, now: this.#now() };
    const longest = new Date(options.now + longestMs(product, options.version)).toISOString().slice(0, 19);
    this.#write({ channel_expiry: `${longest}+00:00`, ...item }, "POST", options);
  }

  unsubscribe(product: string, id: string): boolean {
    const count = this.rows().length;
    this.#own().rows = this.rows().filter((row) => row.product !== product || row.channelId !== id);
    return this.rows().length < count;
  }

  /** Ends a channel as `advance` does. */
  expire(product: string, id: string): boolean {
    const now = this.#now();
    const ended = this.#of(product).filter((row) => row.channelId === id);
    const watch = this.#own();
    watch.expired = [...(watch.expired ?? []), ...ended.map((row) => ({ ...row, expiresAt: now }))];
    return this.unsubscribe(product, id);
  }

  /** Ends a channel without the owner's knowledge. */
  drop(channelId: string): void {
    const watch = this.#own();
    watch.rows = watch.rows.filter((row) => row.channelId !== channelId);
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const [, product, version] = /^\/(crm|bigin|recruit)\/v([\d.]+)\/actions\/watch$/.exec(request.path) ?? [];
    if (product === undefined) return undefined;
    if (!isAllowed(scopes, product, "notifications", request.method)) return scopeMismatch();
    return this.#answer(request, product, Number(version));
  }

  /** Tells the subscribers of a change, as Zoho does when a record changes. */
  notify(change: Change, deliveries: Pick<Deliveries, "send">): void {
    for (const outgoing of this.notificationsOf(change)) deliveries.send(outgoing);
  }

  /** What is sent to the channels that watch a change. */
  notificationsOf(change: Change): Outgoing[] {
    const { product, module, verb, at = this.#now(), fields, values = [], related = false } = change;
    const event = `${module}.${verb}`;
    const format = FORMATS[product];
    if (format === undefined) return [];
    const rows = this.#of(product).filter((row) => row.module === module && row.events.includes(event));
    return rows.flatMap((row): Outgoing[] => {
      // Which fields of a related record count is not documented: a channel with a condition is not told.
      if (related && (!row.related || row.condition !== null)) return [];
      const tells = change.ids.map(
        (id, i) => verb !== "edit" || !fields || isTold(row.condition, fields[i]?.[id] ?? []),
      );
      const told = <Each>(all: readonly Each[]): readonly Each[] => all.filter((_, i) => tells[i]);
      if (!tells.includes(true)) return [];
      const body = {
        server_time: at,
        ...(row.values ? { affected_values: told(values) } : {}),
        query_params: {},
        module,
        resource_uri: `${this.#url()}/${URI_APIS[product]}/${module}`,
        ids: told(change.ids),
        affected_fields: told(fields ?? []),
        operation: OPERATIONS[verb],
        channel_id: row.channelId,
        token: row.token,
      };
      return [{ product, format, event, url: row.notifyUrl, body }];
    });
  }

  #answer(request: ApiRequest, product: string, version: number): Answer {
    if (request.method === "GET") return this.#list(request, product);
    if (request.method === "DELETE") return this.#delete(request.query, product);
    const watch = (request.json as { watch?: unknown } | undefined)?.watch;
    if (!Array.isArray(watch)) {
      return errorAnswer(400, "MANDATORY_NOT_FOUND", "required field not found", { api_name: "watch" });
    }
    const maximum_length = product === "crm" ? 50 : 100;
    if (watch.length > maximum_length) return errorAnswer(400, "LIMIT_EXCEEDED", "too many items", { maximum_length });
    // Only CRM has PATCH.
    if (!["POST", "PUT", ...(product === "crm" ? ["PATCH"] : [])].includes(request.method)) {
      return defaultWording("wrongMethod", { status: 405 });
    }
    const results = writeEach(watch, (item: unknown) =>
      this.#write(isRecord(item) ? item : {}, request.method, { product, version, now: this.#now() }),
    );
    return answerResults("watch", results, request.method === "POST" ? 201 : 200);
  }

  #write(item: Item, method: string, options: RowOptions): Result {
    checkItem(item, (name) => this.#modules.find(options.product, name), { product: options.product, method });
    const id = textOf(item.channel_id);
    this.#forgetExpired(options.product, id);
    const old = this.#of(options.product).filter((row) => row.channelId === id);
    if (method !== "POST" && old.length === 0) throw notSubscribed();
    const others = this.rows().filter((row) => !old.includes(row));
    if (method === "PATCH" && item._delete_events === true) return this.#deleteEvents(item, old, others);
    const rows = method === "PATCH" ? patchedRows(old, item, options) : rowsOf(item, options);
    this.#own().rows = [...others, ...rows];
    const events = rows.map((row) => ({ channel_expiry: zohoTime(row.expiresAt), ...this.#placeOf(row) }));
    return success({ events }, method === "POST" ? SUBSCRIBED : UPDATED);
  }

  #deleteEvents(item: Item, old: readonly ChannelRow[], others: readonly ChannelRow[]): Result {
    const gone = eventsOf(item);
    const rows = old.map((row) => ({
      ...row,
      events: row.events.filter((event) => !gone.get(row.module)?.includes(event)),
    }));
    const touched = old.filter((row, i) => rows[i]?.events.length !== row.events.length);
    if (touched.length === 0) throw notSubscribed();
    this.#own().rows = [...others, ...rows.filter(({ events }) => events.length > 0)];
    return success({ events: touched.map((row) => this.#placeOf(row)) }, "Successfully removed the subscribe details");
  }

  #delete(query: URLSearchParams, product: string): Answer {
    const ids = query.get("channel_ids");
    if (!ids) return missing("channel_ids");
    const results = writeEach(ids.split(","), (id) => {
      this.#forgetExpired(product, id);
      const own = this.#of(product).filter((row) => row.channelId === id);
      if (own.length === 0) throw notSubscribed();
      this.#own().rows = this.rows().filter((row) => !own.includes(row));
      return own.map((row) => success(this.#placeOf(row), "Successfully un-subscribed from actions-watch"));
    });
    return product === "bigin" ? answerResults("watch", results, 202, 202) : answerResults("watch", results, 200);
  }

  #forgetExpired(product: string, id: string): void {
    const watch = this.#own();
    watch.expired = watch.expired?.filter((row) => row.product !== product || row.channelId !== id);
  }

  /** As in Zoho's answers, the URI says v2. */
  #placeOf({ product, module, channelId }: ChannelRow): Readonly<Record<string, unknown>> {
    const resource_uri = `${this.#url()}/crm/v2/${module}`;
    const resource_id = this.#modules.find(product, module)?.id;
    return { resource_uri, resource_id, resource_name: module, channel_id: channelId };
  }

  /** A product knows only its channels. */
  #of(product: string): readonly ChannelRow[] {
    return this.rows().filter((row) => row.product === product);
  }

  #list(request: ApiRequest, product: string): Answer {
    const { query } = request;
    const [id, module] = [query.get("channel_id"), query.get("module")];
    const expired = isOwnClient(request) ? (this.#own().expired ?? []) : [];
    const rows = [...this.rows(), ...expired]
      .filter((row) => row.product === product)
      .filter((row) => (!id || row.channelId === id) && (!module || row.module === module));
    return page(query, "watch", rows, (row) => ({
      notify_on_related_action: row.related,
      channel_expiry: zohoTime(row.expiresAt),
      return_affected_field_values: row.values,
      ...this.#placeOf(row),
      notify_url: row.notifyUrl,
      fields: null,
      // Missing in Bigin and Recruit.
      ...(product === "crm" ? { notification_condition: row.condition === null ? null : [row.condition] } : {}),
      events: row.events,
      token: row.token,
    }));
  }
}

const SUBSCRIBED = "Successfully subscribed for actions-watch of the given module";
const UPDATED = "Successfully updated the subscribe details";

function notSubscribed(): Refusal {
  return refuseItem({ code: "NOT_SUBSCRIBED", message: "Not subscribed for actions-watch of the given channel" });
}
