import type { Context } from "../../context.ts";
import { errorText, UserError } from "../../core/errors.ts";
import type { ChannelMemory } from "../../zoho/channel-memory.ts";
import type { Channel, ChannelConfig } from "../../zoho/channels.ts";
import { watchClient } from "../../zoho/watch.ts";
import { ownerOf, type ZohoSession } from "../zoho-session.ts";
import { type MissingChannel, takeStock } from "./missing-channels.ts";
import { renewalConfig, wholeConfig } from "./renew-channel.ts";

export interface Chosen {
  readonly id: string;
  /** Undefined for one that Zoho does not list. */
  readonly channel: Channel | undefined;
  /** Why Zoho does not list it, where it was made here. */
  readonly missing?: MissingChannel;
}

export function chooseAll(listed: readonly Channel[], missing: readonly MissingChannel[]): readonly Chosen[] {
  return [
    ...missing.map((each) => ({ id: each.channel.id, channel: undefined, missing: each })),
    ...listed.map((channel) => ({ id: channel.id, channel })),
  ];
}

/** What somebody has deleted elsewhere is left alone. */
export function isToLive({ missing }: Chosen): boolean {
  return missing === undefined || missing.because === "expired";
}

/** A channel to keep alive. */
export type Task = Awaited<ReturnType<typeof taskFor>>;

export async function taskFor(context: Context, shared: ZohoSession, { id, channel }: Chosen) {
  // Signals of its own: each listens to them, and Node takes more than ten that listen to one for a leak.
  const client = watchClient(shared.api, shared.product, AbortSignal.any([context.signal]));
  const session = { ...shared, client };
  const config = { ...(await renewalConfig(session, id, channel)), id };
  const isOurs = (await recall(session, id)) !== undefined;
  let endsAt = channel?.expiresAt;
  let isDeletedHere = false;
  const observe = (listed: Parameters<ChannelMemory["observe"]>[1]) =>
    session.memory.observe(ownerOf(session), listed, session.now(), id);
  return {
    client,
    config,
    expiresAt: endsAt,
    isDeletedHere: () => isDeletedHere,
    /** Undefined: it is lost, and to be created. */
    async onEnd(at: Date | undefined): Promise<void> {
      endsAt = at;
      if (at !== undefined) await observe([{ id, expiresAt: at, token: undefined }]);
    },
    /** As it is by now: a PUT of what was known would undo what has changed. Undefined when it was deleted. */
    async current(): Promise<ChannelConfig | undefined> {
      const listed = await client.get(id);
      const kept = await recall(session, id);
      if (listed !== undefined) return wholeConfig(listed, kept) ?? config;
      isDeletedHere = isOurs && kept === undefined;
      // Gone before its end it was deleted, gone after it has expired.
      if (!isDeletedHere && (endsAt === undefined || endsAt <= session.now())) return kept ?? config;
      await observe([]);
      return undefined;
    },
  };
}

/** Finds what was made since, here or elsewhere. What cannot be looked at or kept alive is told, once while it is so. */
export function lookForNew(context: Context, session: ZohoSession, isKept: (id: string) => boolean) {
  const told = new Set<string>();
  const warn = (about: string, error: unknown): void => {
    const message = `${about}: ${errorText(error)}`;
    const hint = error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {};
    if (!told.has(message)) context.report({ type: "warning", message, ...hint });
    told.add(message);
  };
  const at = async (channels: readonly Chosen[]): Promise<readonly Task[]> => {
    const tasks: Task[] = [];
    for (const each of channels) {
      try {
        tasks.push(await taskFor(context, session, each));
      } catch (error) {
        warn(`channel ${each.id} is not kept alive`, error);
      }
    }
    return tasks;
  };
  const again = async (): Promise<readonly Task[]> => {
    let all: readonly Chosen[];
    try {
      const { listed, missing } = await takeStock(session);
      all = chooseAll(listed, missing).filter(isToLive);
    } catch (error) {
      if (!context.signal.aborted) warn("new channels could not be looked for", error);
      return [];
    }
    const tasks = await at(all.filter(({ id }) => !isKept(id)));
    const ids = tasks.map(({ config }) => config.id);
    if (ids.length > 0) {
      context.report({ type: "notice", message: `keeping alive from now on, too: ${ids.join(", ")}` });
    }
    return tasks;
  };
  return { at, again };
}

function recall({ memory, product, signIn }: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return memory.recall(signIn.name, product.id, id);
}
