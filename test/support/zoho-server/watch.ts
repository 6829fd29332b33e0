import { type Answer, bareFault, type Fault, faultBody, type SeenRequest } from "./answer.ts";
import { type Item, itemFault, MODULES, type Row, rowsOf } from "./watch-item.ts";

/** The notification API of one organisation: rejects what Zoho rejects, and forgets expired channels. */
export class Watch {
  #rows: Row[] = [];
  /** The status if all items fail: the sources disagree, so a test chooses. */
  itemErrorStatus = 400;
  /** Ids as JSON numbers of up to 19 digits, as some versions answer. */
  idsAsNumbers = false;
  /** The organisation's offset in minutes, in which Zoho answers. */
  offsetMinutes = 330;
  readonly #now: () => number;

  readonly #hidden = new Set<string>();
  readonly #refused = new Map<string, { readonly fault: Fault; readonly whole: boolean }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The active channels, one row for each module. */
  rows(): readonly Row[] {
    this.#rows = this.#rows.filter((row) => row.expiresAt > this.#now());
    return this.#rows;
  }

  isAlive(channelId: string): boolean {
    return this.rows().some((row) => row.channelId === channelId);
  }

  /** Ends a channel without the owner's knowledge. */
  drop(channelId: string): void {
    this.#rows = this.#rows.filter((row) => row.channelId !== channelId);
  }

  /** Leaves the URL out of lists from now on. */
  hideUrl(channelId: string): void {
    this.#hidden.add(channelId);
  }

  /** Rejects each write of a channel; with `whole` the request with all its other channels. */
  refuse(channelId: string, fault: Fault, { whole = false } = {}): void {
    this.#refused.set(channelId, { fault, whole });
  }

  /** Ends `refuse`. */
  accept(channelId: string): void {
    this.#refused.delete(channelId);
  }

  answer(request: SeenRequest, product: string): Answer {
    if (request.method === "GET") return this.#list(request.query, product);
    if (request.method === "DELETE") return this.#delete(request.query, product);
    const watch = (request.json as { watch?: unknown } | undefined)?.watch;
    if (!Array.isArray(watch)) {
      return bareFault(400, "MANDATORY_NOT_FOUND", "required field not found", { api_name: "watch" });
    }
    if (watch.length > 100) return bareFault(400, "LIMIT_EXCEEDED", "too many items", { maximum_length: 100 });
    if (request.method !== "POST" && request.method !== "PUT") {
      return bareFault(405, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one");
    }
    const refused = watch.map((item: Item) => this.#refused.get(String(item.channel_id))).find((each) => each?.whole);
    if (refused !== undefined) return { status: 400, body: faultBody(refused.fault) };
    const results = watch.map((item: Item) => this.#write(item, product, request.method));
    return this.#results(results, request.method === "POST" ? 201 : 200);
  }

  #write(item: Item, product: string, method: string): Fault | Record<string, unknown> {
    const id = String(item.channel_id);
    const fault = itemFault(item, product) ?? this.#refused.get(id)?.fault;
    if (fault !== undefined) return fault;
    const old = this.#of(product).filter((row) => row.channelId === id);
    if (method !== "POST" && old.length === 0) return notSubscribed();
    const rows = rowsOf(item, product, this.#now());
    this.#rows = [...this.rows().filter((row) => row.channelId !== id), ...rows];
    return success(
      rows.map((row) => this.#event(row)),
      method === "POST" ? SUBSCRIBED : UPDATED,
    );
  }

  #delete(query: URLSearchParams, product: string): Answer {
    const ids = query.get("channel_ids");
    if (ids === null || ids === "") {
      return bareFault(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {
        param_name: "channel_ids",
      });
    }
    const results = ids.split(",").flatMap((id): (Fault | Record<string, unknown>)[] => {
      const own = this.#of(product).filter((row) => row.channelId === id);
      if (own.length === 0) return [notSubscribed()];
      this.drop(id);
      return own.map((row) => ({
        code: "SUCCESS",
        details: { ...this.#module(row.module), channel_id: id },
        message: "Successfully un-subscribed from actions-watch",
        status: "success",
      }));
    });
    return this.#results(results, product === "bigin" ? 202 : 200, product === "bigin" ? 202 : undefined);
  }

  /** A product knows only its channels. */
  #of(product: string): readonly Row[] {
    return this.rows().filter((row) => row.product === product);
  }

  #list(query: URLSearchParams, product: string): Answer {
    const perPage = Math.min(200, Number(query.get("per_page") ?? 200));
    const page = Number(query.get("page") ?? 1);
    const [id, module] = [query.get("channel_id"), query.get("module")];
    const rows = this.#of(product).filter((row) => (!id || row.channelId === id) && (!module || row.module === module));
    if (rows.length === 0) return { status: 204 };
    const shown = rows.slice((page - 1) * perPage, page * perPage);
    return this.#json(200, {
      watch: shown.map((row) => ({
        notify_on_related_action: row.related,
        channel_expiry: this.#time(row.expiresAt),
        return_affected_field_values: row.values,
        ...this.#module(row.module),
        notify_url: this.#hidden.has(row.channelId) ? null : row.notifyUrl,
        fields: null,
        // Missing in Bigin and Recruit.
        ...(product === "crm" ? { notification_condition: row.condition === null ? null : [row.condition] } : {}),
        channel_id: row.channelId,
        events: row.events,
        token: row.token,
      })),
      info: { per_page: perPage, count: shown.length, page, more_records: rows.length > page * perPage },
    });
  }

  #results(results: readonly (Fault | Record<string, unknown>)[], good: number, bad = this.itemErrorStatus): Answer {
    const failed = results.filter((each) => each.code !== "SUCCESS");
    const status = failed.length === 0 ? good : failed.length === results.length ? bad : 207;
    return this.#json(status, {
      watch: results.map((each) => (each.code === "SUCCESS" ? each : faultBody(each as Fault))),
    });
  }

  #event(row: Row): Record<string, unknown> {
    return { channel_expiry: this.#time(row.expiresAt), ...this.#module(row.module), channel_id: row.channelId };
  }

  /** As in Zoho's answers, the URI says v2. */
  #module(module: string): Record<string, unknown> {
    const resource_uri = `https://www.zohoapis.com/crm/v2/${module}`;
    return { resource_uri, resource_id: MODULES[module], resource_name: module };
  }

  #time(at: number): string {
    const local = new Date(at + this.offsetMinutes * 60_000).toISOString().slice(0, 19);
    const pad = (n: number): string => String(Math.floor(n)).padStart(2, "0");
    const minutes = Math.abs(this.offsetMinutes);
    return `${local}${this.offsetMinutes < 0 ? "-" : "+"}${pad(minutes / 60)}:${pad(minutes % 60)}`;
  }

  #json(status: number, body: unknown): Answer {
    const text = JSON.stringify(body);
    return { status, body: this.idsAsNumbers ? text.replace(/"channel_id":"(-?\d+)"/g, '"channel_id":$1') : text };
  }
}

const SUBSCRIBED = "Successfully subscribed for actions-watch of the given module";
const UPDATED = "Successfully updated the subscribe details";

function success(events: readonly unknown[], message: string): Record<string, unknown> {
  return { code: "SUCCESS", details: { events }, message, status: "success" };
}

function notSubscribed(): Fault {
  return { code: "NOT_SUBSCRIBED", message: "Not subscribed for actions-watch of the given channel" };
}
