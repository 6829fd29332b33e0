import type { ChannelMemory, RememberedChannel } from "../channels/memory.ts";
import { notifyUrl } from "../channels/notify-url.ts";
import type { ZohoSession } from "../channels/session.ts";
import { type ChannelReservation, reserveChannel } from "../channels/take-over.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { Secret } from "../delivery/secrets.ts";
import type { Duty, Log } from "../log/log.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { ExitCode, errorText } from "../util/errors.ts";
import type { FileLock } from "../util/file-lock.ts";
import { reachableUrl } from "../util/hosts.ts";
import { firstOf } from "../util/timing.ts";
import type { ListenContext } from "./lines.ts";
import type { RegistrationPart } from "./part.ts";
import type { SharedSecretsPart } from "./shared-secrets.ts";

/** How long a channel may be without a receiver that renews it. */
const TAKE_OVER_INTERVAL_MS = 5000;

interface SharedChannelOptions {
  readonly session: ZohoSession;
  /** The token of the user's settings. */
  readonly configured: Secret | undefined;
  /** The receiver's, as Zoho reaches it. */
  readonly baseUrl: string;
  /** The setting. */
  readonly paths: readonly string[];
  readonly log: Log;
  readonly shared: SharedSecretsPart;
  /** Creates the channel, or takes it over. */
  open(session: ZohoSession, reservation: ChannelReservation): Promise<RegistrationPart>;
}

/**
 * A channel of all receivers that share a log and a public URL. One of them creates and renews it; when that one ends,
 * another takes it over, under the same id and token.
 */
export async function startSharedChannel(
  context: ListenContext,
  { session, configured, baseUrl, paths, log, shared, open }: SharedChannelOptions,
): Promise<RegistrationPart> {
  const product = session.product.id;
  const url = notifyUrl(context, webhookUrl(baseUrl, product, paths), session);
  const name = `channel:${product}:${url}`;
  const stopped = new AbortController();
  let held: { readonly channel: RegistrationPart; readonly lock: FileLock; readonly duty: Duty } | undefined;
  let exitCode: ExitCode = ExitCode.ok;

  const take = async (): Promise<void> => {
    const duty = await log.takeDuty(name);
    if (duty === undefined) return;
    let lock: FileLock | undefined;
    try {
      const saved = await shared.channel(name);
      const owner = { profile: session.signIn.name, product, project: session.config.root, ofListener: true };
      const own = {
        ...session,
        memory: memoryOf(saved && { ...saved, ...owner, events: [], notifyUrl: url, conditions: [] }),
      };
      const reservation = await reserveChannel(context, own, configured);
      lock = reservation.lock;
      if (saved !== undefined && reservation.orphan === undefined)
        throw new Error("it is still in use on this machine");
      // Known to all before Zoho may post with it.
      const token = reservation.token.reveal();
      if (saved?.token !== token) await shared.saveChannel(name, { id: reservation.id, token });
      held = { channel: await open(own, reservation), lock, duty };
    } catch (error) {
      await lock?.release();
      await duty.release();
      throw error;
    }
  };
  const letGo = async (): Promise<void> => {
    const letting = held;
    held = undefined;
    await letting?.channel.leave();
    await letting?.lock.release();
    await letting?.duty.release();
  };
  const follow = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      if (held === undefined) {
        await context.sleep(TAKE_OVER_INTERVAL_MS, stopped.signal);
        if (stopped.signal.aborted) return;
        await take().catch((error: unknown) => {
          const message = `the channel for ${maskUrl(url)} was not taken over: ${errorText(error)}`;
          if (!stopped.signal.aborted) context.report({ type: "warning", message, hint: "retrying every few seconds" });
        });
      } else {
        await firstOf([held.duty.signal, stopped.signal]);
        if (!stopped.signal.aborted) await letGo();
      }
    }
  };

  await take();
  const following = follow();
  return {
    name: "the channel",
    notes:
      held === undefined
        ? [`Another receiver is renewing the channel for ${maskUrl(url)}; this one takes over when it stops.`]
        : [],
    state: () => held?.channel.state(),
    leave: letGo,
    onMoved: (newUrl) => held?.channel.onMoved?.(newUrl),
    async stop(drainUntil) {
      stopped.abort();
      await following;
      if (held === undefined) return;
      const { channel } = held;
      // This one is among them.
      const receivers = ((await log.shared?.receivers()) ?? []).filter(
        ({ url }) => url !== undefined && reachableUrl(url) === baseUrl,
      );
      if (receivers.length > 1) {
        const message = `channel ${channel.state()?.id} is left to another receiver of ${maskUrl(baseUrl)}`;
        context.report({ type: "notice", message });
      } else {
        await channel.stop(drainUntil);
        exitCode = channel.exitCode();
      }
      await letGo();
    },
    exitCode: () => exitCode,
  };
}

/** The channel is stored in the log and not in this machine's file of channels, or the next listen here would take it over. */
function memoryOf(channel: RememberedChannel | undefined): ChannelMemory {
  const nothing = async (): Promise<void> => {};
  const none = async () => [];
  const all = async () => (channel === undefined ? [] : [channel]);
  return {
    all,
    recall: async () => undefined,
    remember: nothing,
    restore: nothing,
    forget: nothing,
    observe: nothing,
    noteTold: nothing,
    missing: none,
  };
}
