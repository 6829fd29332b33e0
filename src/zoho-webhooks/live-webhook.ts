import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { basename } from "node:path";
import { deleteOnExit, type RegistrationEnd, removeInTime } from "../channels/delete-on-exit.ts";
import { isLockedByListener, lockForListener } from "../channels/listener-lock.ts";
import { isSignInError } from "../channels/renew.ts";
import type { Registered } from "../channels/reports.ts";
import { maskUrl } from "../delivery/mask.ts";
import { secret } from "../delivery/secrets.ts";
import type { Config } from "../project/load.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { realPlace } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import { onAbort } from "../util/timing.ts";
import { requestedDeletions } from "../zoho-api/collection.ts";
import { isRejection, ZohoApiError } from "../zoho-api/errors.ts";
import { checkWebhook, warnOfDifferences } from "./create.ts";
import type { ManagedProduct, Webhook, WebhookConfig } from "./product-api.ts";
import type { WebhookContext, WebhookReport } from "./reports.ts";
import { chooseSecret, storeSecret } from "./secret.ts";
import { deletion, openWebhooks, type WebhookClient, type WebhookSession, webhookReport } from "./session.ts";

/** Within the 50 characters that Sign accepts. */
const MAX_PROJECT_LENGTH = 30;

/**
 * The name of the webhooks that `listen` registers for a folder of this machine, which marks them as its own: `zoho-hooks shop
 * 1f2e3d4c`. Whatever has exactly this name was left by an earlier run, and nothing else is ever changed.
 */
export function ownerMark(root: string): string {
  const place = realPlace(root);
  const project =
    basename(place)
      .replace(/[^\w.-]+/g, "-")
      .slice(0, MAX_PROJECT_LENGTH) || "root";
  const owner = createHash("sha256").update(`${hostname()}\n${place}`).digest("hex").slice(0, 8);
  return `zoho-hooks ${project} ${owner}`;
}

/** Whether a running listener of this user has the webhook of this mark. */
export function isInUse({ userFolder }: WebhookContext, product: ManagedProduct, mark: string): Promise<boolean> {
  return isLockedByListener(userFolder, lockName(product, mark));
}

function lockName({ id }: ManagedProduct, mark: string): string {
  return `webhook-${id}-${mark.slice(-8)}`;
}

const NEEDS_ONE = "--register needs a sign-in that has one; for another, use zoho-hooks webhooks create --org";

/** The secret and the lock of a listener's webhook. Reserved before it exists, as Zoho may post before it says that it does. */
export type WebhookReservation = Awaited<ReturnType<typeof reserveWebhook>>;

export async function reserveWebhook(context: WebhookContext, config: Config, product: ManagedProduct) {
  const session = await openWebhooks(context, config, product, {}, NEEDS_ONE);
  try {
    const mark = ownerMark(config.root);
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
        /** Undefined where Zoho signs with a key of its own. */
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

/** After Ctrl-C, Zoho gets this long to answer a creation: one that is cut off may be carried out after the deletion. */
const CREATION_GRACE_MS = 3_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/**
 * A webhook that lives as long as the receiver it posts to. It takes the place of what an earlier run left, follows the URL, and
 * is deleted at the end. Throws without leaving one behind.
 */
export async function openLiveWebhook({
  context,
  reservation: { session, mark, lock, secret: signingSecret },
  events,
  url,
  onEnd,
}: {
  readonly context: WebhookContext;
  readonly reservation: WebhookReservation;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if it is lost for good: because of the sign-in or a full account, or to another listener. */
  readonly onEnd: (error: unknown) => void;
}) {
  const { product, command } = session;
  const ended = new AbortController();
  const creating = new AbortController();
  const life = AbortSignal.any([context.signal, ended.signal]);
  // Finds the organisation, which Ctrl-C ends at once.
  await session.client();
  const client = await session.client(creating.signal);
  let wantedUrl = url;
  /** The URL of the creation that was requested last, which may have been carried out without an answer. */
  let requestedUrl: string | undefined;
  const created = new Set<string>();
  let isLost = false;
  /** Undefined while there is no webhook. */
  let placedUrl: string | undefined;

  /** Not by the name alone: a user of another home folder may have one of the same name. */
  const ofThisRun: IsOwn = ({ id, name, url }) => name === mark && (created.has(id) || url === requestedUrl);

  /** The old one is deleted first: an account may have few, and Zoho would post to both. Resolves to the id of the new one. */
  const place = async (): Promise<string> => {
    const isMove = requestedUrl !== undefined;
    const config: WebhookConfig = { name: mark, url: wantedUrl, events, secret: signingSecret };
    checkWebhook(context, product, config);
    const all = await client.list();
    // At the start, what an earlier run left.
    const own = all.filter((each) => (isMove ? ofThisRun(each) : each.name === mark));
    const others = all.filter((each) => !own.includes(each));
    requireRoom(session, others);
    placedUrl = undefined;
    await removeOwn(session, client, own);
    life.throwIfAborted();
    requestedUrl = config.url;
    const id = await client.create(config);
    created.add(id);
    placedUrl = config.url;
    // Zoho has created it, so a list that does not show it yet is no failure.
    const listed = (await client.list().catch(() => [])).find((each) => each.id === id);
    const { secret: _secret, ...asked } = config;
    const webhook = { id, ...asked, ...listed };
    const reason = own.length === 0 ? undefined : `in place of webhook ${own.map((each) => each.id).join(", ")}`;
    // The ready block shows a new one to a person.
    if (context.json || isMove || reason !== undefined)
      context.report(webhookReport("created", product, webhook, reason));
    warnOfDifferences(context, config, webhook);
    return id;
  };
  const grace = (): void => void setTimeout(() => creating.abort(), CREATION_GRACE_MS).unref();
  const cancelGrace = onAbort(context.signal, grace);
  let id = await place().catch(async (error: unknown) => {
    cancelGrace();
    if (requestedUrl !== undefined && !isRejection(error)) await abandon(context, session, mark, ofThisRun);
    context.signal.throwIfAborted();
    throw ofEvents(error, product);
  });
  cancelGrace();

  /** Moves it to the wanted URL, and retries until it posts there. */
  const move = async (): Promise<void> => {
    for (let pauseMs = FIRST_RETRY_MS; placedUrl !== wantedUrl && !life.aborted; ) {
      try {
        if (await lock.isTaken()) return onEnd(takenOver(product.title));
        id = await place();
        isLost = false;
        pauseMs = FIRST_RETRY_MS;
      } catch (error) {
        if (life.aborted) return;
        const isForGood = isSignInError(error) || (error instanceof UserError && error.code === "limit_reached");
        if (isForGood || !(error instanceof UserError)) return onEnd(error);
        isLost = true;
        const message = `${product.title} does not post to ${maskUrl(wantedUrl)} yet: ${error.message}`;
        context.report({ type: "warning", message, hint: "retrying until it does" });
        wake = new AbortController();
        await context.sleep(pauseMs, AbortSignal.any([life, wake.signal]));
        pauseMs = wake.signal.aborted ? FIRST_RETRY_MS : Math.min(2 * pauseMs, MAX_RETRY_MS);
      }
    }
  };
  let moving: Promise<void> | undefined;
  /** Ends the pause before the next attempt. */
  let wake = new AbortController();

  return {
    state: (): Registered => ({
      kind: "webhook",
      product: product.id,
      id,
      events,
      expiresAt: undefined,
      timeLeftMs: undefined,
      isLost,
    }),
    /** Changes the URL in the background, when the tunnel has come back under another one. */
    async moveTo(url: string): Promise<void> {
      wantedUrl = url;
      wake.abort();
      moving ??= move().finally(() => {
        moving = undefined;
      });
    },
    /** Deletes it, and reports what came of it. */
    async close(): Promise<RegistrationEnd> {
      ended.abort();
      const report = (state: WebhookReport["state"], reason?: string, hint?: string): void =>
        context.report({ type: "webhook", state, product: product.id, id, reason, hint });
      if (await lock.isTaken()) {
        report("unknown", takenOver(product.title).message);
        return "gone";
      }
      return deleteOnExit(context, {
        name: `webhook ${oneLine(id)}`,
        // A move that is under way gives it another id.
        command: () => command(`${deletion(id)} --yes`),
        goneReason: () => "Zoho no longer listed it: it was deleted elsewhere, or Zoho removed it",
        async remove(signal) {
          if (moving !== undefined) grace();
          await moving;
          const [removed] = await removeAll(session, ofThisRun, signal);
          // The creation that moved it may have gone without an answer.
          id = removed?.id ?? id;
          return removed === undefined ? "gone" : "deleted";
        },
        report,
      });
    },
  };
}

function takenOver(title: string): UserError {
  const message = `another zoho-hooks listen took the webhook of ${title} over while this one was suspended`;
  return new UserError("connectionLost", message, "start this one again", "registrationLost");
}

/** Has who cannot see the request look at the events, which are all of it that is the user's. */
function ofEvents(error: unknown, { id, title, events }: ManagedProduct): unknown {
  if (!(error instanceof ZohoApiError) || error.hint?.includes("--dry-run") !== true) return error;
  const hint = `check each ${events.noun} of --register ${id}:…`;
  return new UserError("zohoApi", `${title}: ${error.message}`, hint, error.code);
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

type IsOwn = (webhook: Webhook) => boolean;

/** Resolves to what it has deleted. */
async function removeAll(session: WebhookSession, isOwn: IsOwn, signal: AbortSignal): Promise<readonly Webhook[]> {
  const client = await session.client(signal);
  const own = (await client.list()).filter(isOwn);
  await removeOwn(session, client, own);
  return own;
}

/** Deletes what a failed creation may have left behind. */
async function abandon(context: WebhookContext, session: WebhookSession, mark: string, isOwn: IsOwn): Promise<void> {
  const outcome = await removeInTime(async (signal) => {
    await removeAll(session, isOwn, signal);
    return "deleted";
  });
  if (typeof outcome !== "object") return;
  const message = `a webhook of ${session.product.title} named ${JSON.stringify(mark)} may have been created: ${outcome.because}`;
  context.report({ type: "warning", message, hint: `look for it and delete it: ${session.command("list")}` });
}
