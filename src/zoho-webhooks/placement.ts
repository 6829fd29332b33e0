import { removeInTime } from "../channels/delete-on-exit.ts";
import { maskUrl } from "../delivery/mask.ts";
import { UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { requestedDeletions } from "../zoho-api/collection.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { checkWebhook, warnOfDifferences } from "./create.ts";
import type { WebhookContext } from "./lines.ts";
import type { Webhook, WebhookConfig } from "./product-api.ts";
import { deletion, type WebhookClient, type WebhookSession, webhookLine } from "./session.ts";

/** After Ctrl-C, Zoho gets this long to answer a creation: one that is cut off may be carried out after the deletion. */
const CREATION_GRACE_MS = 3_000;

interface PlacementOptions {
  readonly context: WebhookContext;
  readonly session: WebhookSession;
  /** The name of its webhooks. */
  readonly mark: string;
  /** Undefined for a product that Zoho signs with its own key, such as Desk. */
  readonly secret: WebhookConfig["secret"];
  readonly events: readonly string[];
  /** Nothing is created once it is aborted. */
  readonly signal: AbortSignal;
}

export async function openPlacement(options: PlacementOptions): Promise<Placement> {
  const { session } = options;
  const creating = new AbortController();
  // Finds the organisation, which Ctrl-C ends at once.
  await session.client();
  return new Placement(options, creating, await session.client(creating.signal));
}

/** Where the webhook of one run posts to. A webhook is not changed but replaced, so that each URL gives it another id. */
export class Placement {
  readonly #options: PlacementOptions;
  /** Ends the calls of `place`. */
  readonly #creating: AbortController;
  readonly #client: WebhookClient;
  /** The URL of the creation that was requested last, which may have been carried out without an answer. */
  #requestedUrl: string | undefined;
  #url: string | undefined;
  /** Zoho listed the new webhook as disabled, which was reported. */
  #startsDisabled = false;

  constructor(options: PlacementOptions, creating: AbortController, client: WebhookClient) {
    this.#options = options;
    this.#creating = creating;
    this.#client = client;
  }

  /** Undefined while there is no webhook. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The old one is deleted first: an account may have few, and Zoho would post to both. `why`: the old one is lost. Resolves to the id of the new one. */
  async place(url: string, why?: string): Promise<string> {
    const { context, session, mark, secret, events, signal } = this.#options;
    const config: WebhookConfig = { name: mark, url, events, secret };
    checkWebhook(context, session.product, config);
    const replaced = await this.#clear();
    signal.throwIfAborted();
    const isMove = this.#requestedUrl !== undefined;
    this.#requestedUrl = url;
    const id = await this.#client.create(config);
    this.#url = url;
    await this.#reportCreated(id, config, why ?? reasonFor(replaced), isMove);
    return id;
  }

  /** Why Zoho does not post with a webhook; undefined if it does. */
  async whyLost(id: string): Promise<string | undefined> {
    const { session, signal } = this.#options;
    const listed = (await (await session.client(signal)).list({ isPoll: true })).find((each) => each.id === id);
    const effect = "changes in the meantime are missed";
    if (listed === undefined) return `webhook ${id} was gone, deleted elsewhere or by Zoho; ${effect}`;
    return listed.enabled === false && !this.#startsDisabled ? `webhook ${id} was disabled; ${effect}` : undefined;
  }

  /** Gives a creation that is under way a few seconds more. */
  limitCreation(): void {
    setTimeout(() => this.#creating.abort(), CREATION_GRACE_MS).unref();
  }

  /** Deletes the webhooks of this run, and resolves to them. */
  async remove(signal: AbortSignal): Promise<readonly Webhook[]> {
    const { session, mark } = this.#options;
    const client = await session.client(signal);
    const own = (await client.list()).filter(({ name }) => name === mark);
    await removeOwn(session, client, own);
    return own;
  }

  /** Deletes what a creation that failed with `error` may have left behind. */
  async abandon(error: unknown): Promise<void> {
    if (this.#requestedUrl === undefined || isRejection(error)) return;
    const { context, session, mark } = this.#options;
    const outcome = await removeInTime(async (signal) => {
      await this.remove(signal);
      return "deleted";
    });
    if (typeof outcome !== "object") return;
    const message = `a webhook of ${session.product.title} named ${JSON.stringify(mark)} may have been created: ${outcome.because}`;
    context.report({ type: "warning", message, hint: `look for it and delete it: ${session.command("list")}` });
  }

  /** Makes room for the webhook, and resolves to those that it replaces. */
  async #clear(): Promise<readonly Webhook[]> {
    const { session, mark } = this.#options;
    const all = await this.#client.list();
    const own = all.filter(({ name }) => name === mark);
    const others = all.filter((each) => !own.includes(each));
    requireRoom(session, others);
    this.#url = undefined;
    await removeOwn(session, this.#client, own);
    return own;
  }

  async #reportCreated(id: string, config: WebhookConfig, reason: string | undefined, isMove: boolean): Promise<void> {
    const { context, session } = this.#options;
    // Zoho has created it, so a list that does not show it yet is no failure.
    const listed = (await this.#client.list().catch(() => [])).find((each) => each.id === id);
    const { secret: _secret, ...asked } = config;
    const webhook = { id, ...asked, ...listed };
    this.#startsDisabled = listed?.enabled === false;
    // The ready block shows a new one to a person.
    if (context.json || isMove || reason !== undefined)
      context.report(webhookLine("created", session.product, webhook, reason));
    warnOfDifferences(context, config, webhook);
  }
}

function reasonFor(replaced: readonly Webhook[]): string | undefined {
  return replaced.length === 0 ? undefined : `in place of webhook ${replaced.map(({ id }) => id).join(", ")}`;
}

function requireRoom({ product, command }: WebhookSession, others: readonly Webhook[]): void {
  if (others.length < (product.maxWebhooks ?? Number.POSITIVE_INFINITY)) return;
  const texts = others.map(({ id, name = "no name", url }) => `${id} (${name}, ${url ? maskUrl(url) : "no URL"})`);
  throw new UserError(
    "zohoApi",
    `${product.title} allows ${product.maxWebhooks} webhooks, and the account has ${others.length}: ${oneLine(texts.join(", "))}`,
    `delete one that is not needed: ${others.map(({ id }) => command(deletion(id))).join(" or ")}`,
    "limit_reached",
  );
}

/** Deletes webhooks that this run or an earlier one of the folder has created. */
async function removeOwn({ command }: WebhookSession, client: WebhookClient, own: readonly Webhook[]): Promise<void> {
  if (own.length === 0) return;
  const ids = own.map(({ id }) => id);
  const [left] = (await client.remove(ids, requestedDeletions())).remaining;
  if (left === undefined) return;
  throw new UserError(
    "zohoApi",
    `webhook ${oneLine(left.id)} could not be deleted: ${left.because}`,
    `delete it with ${command(`${deletion(left.id)} --yes`)}`,
    "not_deleted",
  );
}
