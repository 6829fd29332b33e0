import { type Answer, type ApiError, type ApiRequest, errorBody } from "../../src/emulator/answer.ts";
import type { Override } from "../../src/emulator/service.ts";
import type { Watch } from "../../src/emulator/services/crm/watch.ts";

// biome-ignore lint/suspicious/noExplicitAny: rows and results of Zoho's answers
type Item = any;

/** The notification API of the emulator, with answers that Zoho gives to some, or seldom. */
export class UnusualWatch implements Override {
  /** The status if all items fail: the sources disagree. */
  itemErrorStatus: number | undefined;
  /** Ids as JSON numbers of up to 19 digits, as some versions answer. */
  idsAsNumbers = false;
  readonly #hidden = new Set<string>();
  readonly #refused = new Map<string, { readonly fault: ApiError; readonly whole: boolean }>();
  readonly #watch: () => Watch;

  constructor(watch: () => Watch) {
    this.#watch = watch;
  }

  /** Leaves the URL out of lists from now on. */
  hideUrl(channelId: string): void {
    this.#hidden.add(channelId);
  }

  /** Rejects each write of a channel; with `whole` the request with all its other channels. */
  refuse(channelId: string, fault: ApiError, { whole = false } = {}): void {
    this.#refused.set(channelId, { fault, whole });
  }

  /** Ends `refuse`. */
  accept(channelId: string): void {
    this.#refused.delete(channelId);
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const items: readonly Item[] = Object(request.json).watch ?? [];
    const refused = Array.isArray(items) ? items.map((item) => this.#refused.get(String(item?.channel_id))) : [];
    const whole = refused.find((each) => each?.whole);
    if (whole !== undefined) return { status: 400, body: errorBody(whole.fault) };
    const isPartial = refused.some((each) => each !== undefined);
    const watch = isPartial ? items.filter((_, i) => refused[i] === undefined) : items;
    if (!/^\/\w+\/v[\d.]+\/actions\/watch$/.test(request.path)) return undefined;
    const answer = this.#watch().answer(isPartial ? { ...request, json: { watch } } : request, scopes);
    const results: readonly Item[] | undefined = Object(answer?.body).watch;
    if (answer === undefined || results === undefined) return answer;
    const [...accepted] = results;
    const all = isPartial
      ? refused.map((each) => (each === undefined ? accepted.shift() : errorBody(each.fault)))
      : accepted;
    const failed = all.filter(({ code }: Item) => code !== undefined && code !== "SUCCESS").length;
    const none = this.itemErrorStatus ?? (isPartial ? 400 : answer.status);
    const status = failed === 0 ? answer.status : failed < all.length ? 207 : none;
    const shown = all.map((each) => (this.#hidden.has(each.channel_id) ? { ...each, notify_url: null } : each));
    const body = JSON.stringify({ ...Object(answer.body), watch: shown });
    return { status, body: this.idsAsNumbers ? body.replace(/"channel_id":"(-?\d+)"/g, '"channel_id":$1') : body };
  }
}
