import { deleteOnExit, type RegistrationEnd, type Removal } from "../channels/delete-on-exit.ts";
import type { Registered } from "../channels/lines.ts";
import { isLockedByListener, lockForListener } from "../channels/listener-lock.ts";
import { isSignInError } from "../channels/renew.ts";
import { pollInterval } from "../channels/session.ts";
import { maskUrl } from "../delivery/mask.ts";
import { secret } from "../delivery/secrets.ts";
import type { Config } from "../project/load.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { onAbort } from "../util/timing.ts";
import { isLocalZoho } from "../zoho-api/data-centres.ts";
import { ZohoApiError } from "../zoho-api/errors.ts";
import type { WebhookContext, WebhookLine } from "./lines.ts";
import { recordProduct } from "./owner.ts";
import { openPlacement, type Placement } from "./placement.ts";
import type { ManagedProduct } from "./product-api.ts";
import { chooseSecret, storeSecret } from "./secret.ts";
import { deletion, openWebhooks } from "./session.ts";

/** Whether a running listener of this user has the webhook of this mark. */
export function isInUse({ userFolder }: WebhookContext, product: ManagedProduct, mark: string): Promise<boolean> {
  return isLockedByListener(userFolder, lockName(product, mark));
}

function lockName({ id }: ManagedProduct, mark: string): string {
  return `webhook-${id}-${mark.slice(-8)}`;
}

const NEEDS_ONE = "--register needs a sign-in that has one; for another, use zoho-hooks webhooks create --org";

/** The secret and the lock of a listener's webhook. Reserved before it exists, as Zoho may post before it says that it does. */
type WebhookReservation = Awaited<ReturnType<typeof reserveWebhook>>;

export async function reserveWebhook(context: WebhookContext, config: Config, product: ManagedProduct) {
  const session = await openWebhooks(context, config, product, {}, NEEDS_ONE);
  try {
    const mark = await recordProduct(context.userFolder, config.root, product.id);
    const lock = await lockForListener(context.userFolder, lockName(product, mark));
    if (lock === undefined)
      throw usageError(
        `another zoho-hooks listen of this folder has registered its webhook of ${product.title}`,
        `stop that one, or leave ${product.id} out of --register`,
      );
    try {
      const chosen = chooseSecret(context, config, product);
      if (chosen?.isNew) await storeFirst(context, config, product, chosen.value);
      const isKeyGiven = config.secrets.for("jwks", product.id).length > 0;
      const keySet = isKeyGiven ? undefined : product.keySet?.(session.signIn);
      return {
        session,
        mark,
        lock,
        /** Undefined for a product that Zoho signs with its own key, such as Desk. */
        secret: chosen?.value,
        /** Verifies the deliveries, where the user has configured none. */
        keySet: keySet === undefined ? undefined : secret(keySet, `${product.title}'s key set`),
      };
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    await session.http.close();
    throw error;
  }
}

/** Before the webhook exists: one whose secret is lost could not be verified, and Zoho shows none again. */
async function storeFirst(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  value: string,
): Promise<void> {
  await storeSecret(context, config, product, value).catch((error: unknown) => {
    throw usageError(
      `no webhook was created, because the secret of ${product.title} webhooks cannot be stored: ${errorText(error)}`,
      `make the folder writable, or set ZOHO_WEBHOOK_SECRET_${product.id.toUpperCase()} to a secret of your own`,
    );
  });
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

interface LiveWebhookOptions {
  readonly context: WebhookContext;
  readonly reservation: WebhookReservation;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if it is lost for good: because of the sign-in or a full account, or to another listener. */
  readonly onEnd: (error: unknown) => void;
}

/**
 * A webhook that lives as long as the receiver it posts to. It takes the place of what an earlier run left, follows the URL, and
 * is deleted at the end. Throws without leaving one behind.
 */
export async function openLiveWebhook(options: LiveWebhookOptions): Promise<LiveWebhook> {
  const { context, reservation, events, url } = options;
  const { session, mark, secret } = reservation;
  const life = new AbortController();
  const signal = AbortSignal.any([context.signal, life.signal]);
  const placement = await openPlacement({ context, session, mark, secret, events, signal });
  const cancelGrace = onAbort(context.signal, () => placement.limitCreation());
  try {
    const id = await placement.place(url);
    cancelGrace();
    return new LiveWebhook({ ...options, placement, id, life, signal });
  } catch (error) {
    cancelGrace();
    await placement.abandon(error);
    context.signal.throwIfAborted();
    throw ofEvents(error, session.product);
  }
}

class LiveWebhook {
  readonly #context: WebhookContext;
  readonly #reservation: WebhookReservation;
  readonly #placement: Placement;
  readonly #events: readonly string[];
  readonly #onEnd: (error: unknown) => void;
  /** Ends the moves. */
  readonly #life: AbortController;
  /** Aborted by the end of its life, and by Ctrl-C. */
  readonly #signal: AbortSignal;
  #id: string;
  #wantedUrl: string;
  #isLost = false;
  /** Why it is placed again at the same URL. */
  #lostBecause: string | undefined;
  readonly #watching: Promise<void>;
  #moving: Promise<void> | undefined;
  /** Ends the pause before the next attempt. */
  #wake = new AbortController();

  constructor({
    context,
    reservation,
    placement,
    events,
    url,
    id,
    life,
    signal,
    onEnd,
  }: LiveWebhookOptions & {
    readonly placement: Placement;
    readonly id: string;
    readonly life: AbortController;
    readonly signal: AbortSignal;
  }) {
    this.#context = context;
    this.#reservation = reservation;
    this.#placement = placement;
    this.#events = events;
    this.#onEnd = onEnd;
    this.#life = life;
    this.#signal = signal;
    this.#id = id;
    this.#wantedUrl = url;
    this.#watching = this.#watch();
  }

  state(): Registered {
    return {
      kind: "webhook",
      product: this.#product.id,
      id: this.#id,
      events: this.#events,
      expires_at: null,
      time_left_ms: null,
      isLost: this.#isLost,
    };
  }

  /** Changes the URL in the background, when the tunnel has come back under another one. */
  async moveTo(url: string): Promise<void> {
    this.#wantedUrl = url;
    this.#wake.abort();
    this.#moving ??= this.#move().finally(() => {
      this.#moving = undefined;
    });
  }

  /** Deletes it, and reports what came of it. */
  async close(): Promise<RegistrationEnd> {
    this.#life.abort();
    if (await this.#reservation.lock.isTaken()) {
      this.#report("unknown", takenOver(this.#product.title).message);
      return "gone";
    }
    return deleteOnExit(this.#context, {
      name: `webhook ${oneLine(this.#id)}`,
      // A move that is under way gives it another id.
      command: () => this.#reservation.session.command(`${deletion(this.#id)} --yes`),
      goneReason: () => "Zoho no longer listed it: it was deleted elsewhere, or Zoho removed it",
      remove: (signal) => this.#remove(signal),
      report: (state, reason, hint) => this.#report(state, reason, hint),
    });
  }

  get #product(): ManagedProduct {
    return this.#reservation.session.product;
  }

  /** Looks at Zoho's list as often as for a channel, and creates the webhook again where it is gone or disabled. */
  async #watch(): Promise<void> {
    const pollMs = pollInterval(isLocalZoho(this.#reservation.session.signIn.hosts));
    while (!this.#signal.aborted) {
      await this.#context.sleep(pollMs, this.#signal);
      const id = this.#id;
      // A move ends with a new webhook anyway.
      if (this.#signal.aborted || this.#moving !== undefined) continue;
      // Without an answer, the next look reports what lasts.
      const lostBecause = await this.#placement.whyLost(id).catch(() => undefined);
      if (lostBecause === undefined || this.#signal.aborted || this.#moving !== undefined) continue;
      this.#isLost = true;
      this.#lostBecause = lostBecause;
      await this.moveTo(this.#wantedUrl);
    }
  }

  /** Places it at the wanted URL, and retries until it posts there. */
  async #move(): Promise<void> {
    const isPlaced = (): boolean => !this.#isLost && this.#placement.url === this.#wantedUrl;
    for (let pauseMs = FIRST_RETRY_MS; !isPlaced() && !this.#signal.aborted; ) {
      try {
        if (await this.#reservation.lock.isTaken()) return this.#onEnd(takenOver(this.#product.title));
        this.#id = await this.#placement.place(this.#wantedUrl, this.#lostBecause);
        this.#isLost = false;
        this.#lostBecause = undefined;
        pauseMs = FIRST_RETRY_MS;
      } catch (error) {
        if (this.#signal.aborted) return;
        if (!isWorthRetrying(error)) return this.#onEnd(error);
        this.#isLost = true;
        const message = `${this.#product.title} does not post to ${maskUrl(this.#wantedUrl)} yet: ${error.message}`;
        this.#context.report({ type: "warning", message, hint: "retrying until it does" });
        const isWoken = await this.#pause(pauseMs);
        pauseMs = isWoken ? FIRST_RETRY_MS : Math.min(2 * pauseMs, MAX_RETRY_MS);
      }
    }
  }

  /** Resolves to whether a new URL has cut it short. */
  async #pause(pauseMs: number): Promise<boolean> {
    const wake = new AbortController();
    this.#wake = wake;
    await this.#context.sleep(pauseMs, AbortSignal.any([this.#signal, wake.signal]));
    return wake.signal.aborted;
  }

  async #remove(signal: AbortSignal): Promise<Removal> {
    if (this.#moving !== undefined) this.#placement.limitCreation();
    await this.#watching;
    await this.#moving;
    const [removed] = await this.#placement.remove(signal);
    // The creation that moved it may have gone without an answer.
    this.#id = removed?.id ?? this.#id;
    return removed === undefined ? "gone" : "deleted";
  }

  #report(state: WebhookLine["state"], reason?: string, hint?: string): void {
    this.#context.report({ type: "webhook", state, product: this.#product.id, id: this.#id, reason, hint });
  }
}

/** False for errors that a retry cannot fix: a refused sign-in, an account without room, a bug of ours. */
function isWorthRetrying(error: unknown): error is UserError {
  return error instanceof UserError && error.code !== "limit_reached" && !isSignInError(error);
}

function takenOver(title: string): UserError {
  const message = `another zoho-hooks listen took the webhook of ${title} over while this one was suspended`;
  return new UserError("connectionLost", message, "start this one again", "registrationLost");
}

/** Replaces the hint to print the request: of it, the user has chosen only the events. */
function ofEvents(error: unknown, { id, title, events }: ManagedProduct): unknown {
  if (!(error instanceof ZohoApiError) || error.hint?.includes("--dry-run") !== true) return error;
  const hint = `check each ${events.noun} of --register ${id}:…`;
  return new UserError("zohoApi", `${title}: ${error.message}`, hint, error.code);
}
