import type { Context } from "../../context.ts";
import { errorText, UserError } from "../../core/errors.ts";
import type { Channel, ChannelConfig } from "../../zoho/channels.ts";
import { watchClient } from "../../zoho/watch.ts";
import type { ZohoSession } from "../zoho-session.ts";
import { renewalConfig, wholeConfig } from "./renew-channel.ts";

export interface Chosen {
  readonly id: string;
  /** Undefined for one that Zoho does not list. */
  readonly channel: Channel | undefined;
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
  return {
    client,
    config,
    isOurs,
    expiresAt: endsAt,
    onEnd(at: Date): void {
      endsAt = at;
    },
    async current(): Promise<ChannelConfig | undefined> {
      const found = await currentConfig(session, id);
      // What was made elsewhere is not in mind here: gone before its end it was deleted, gone after it has expired.
      const hasExpired = endsAt !== undefined && endsAt <= session.now();
      return found ?? (!isOurs && hasExpired ? config : undefined);
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
    let listed: readonly Channel[];
    try {
      listed = await session.client.list();
    } catch (error) {
      if (!context.signal.aborted) warn("new channels could not be looked for", error);
      return [];
    }
    const tasks = await at(listed.filter(({ id }) => !isKept(id)).map((channel) => ({ id: channel.id, channel })));
    const ids = tasks.map(({ config }) => config.id);
    if (ids.length > 0) {
      context.report({ type: "notice", message: `keeping alive from now on, too: ${ids.join(", ")}` });
    }
    return tasks;
  };
  return { at, again };
}

/**
 * What the channel is by now: it may have been changed since the last renewal, which a PUT of what was known would undo.
 * Undefined when it is gone and is not in mind here, or not any more.
 */
async function currentConfig(session: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return wholeConfig(await session.client.get(id), await recall(session, id));
}

function recall({ memory, product, signIn }: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return memory.recall(signIn.name, product.id, id);
}
