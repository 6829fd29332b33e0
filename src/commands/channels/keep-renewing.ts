import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, errorText, UserError } from "../../core/errors.ts";
import { type Channel, type ChannelConfig, configOf } from "../../zoho/channels.ts";
import { type ChannelChange, keepAlive } from "../../zoho/keep-alive.ts";
import { warnOfFixedToken, type ZohoSession } from "../zoho-session.ts";
import { renewalConfig } from "./renew-channel.ts";

/** Keeps channels alive until the run is stopped. Exits with 9 when one is lost at that time. */
export async function keepRenewing(
  context: Context,
  session: ZohoSession,
  chosen: readonly { readonly id: string; readonly channel: Channel | undefined }[],
  lifetimeMs: number,
): Promise<ExitCode> {
  const lost = new Set<string>();
  const tasks = await Promise.all(
    chosen.map(async ({ id, channel }) => {
      const config = { ...(await renewalConfig(session, id, channel)), id };
      const isOurs = (await recall(session, id)) !== undefined;
      return { config, current: () => currentConfig(session, config, isOurs), expiresAt: channel?.expiresAt };
    }),
  );
  const ids = chosen.map(({ id }) => id).join(", ");
  warnOfFixedToken(context, session.signIn, "then nothing is renewed any more");
  context.report({ type: "notice", message: `keeping alive until stopped: ${ids}` });
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  try {
    await Promise.all(
      tasks.map((task) =>
        keepAlive({
          ...task,
          client: session.client,
          lifetimeMs,
          now: context.now,
          sleep: context.sleep,
          random: Math.random,
          signal,
          onChange(change) {
            if (change.type === "lost") lost.add(change.id);
            else if (change.type !== "expiring") lost.delete(change.id);
            context.report(changeReport(session.product.id, change, context.now()));
          },
        }),
      ),
    );
  } finally {
    ended.abort();
  }
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

/**
 * What the channel is by now: it may have been changed since the last renewal, which a PUT of what was known would undo.
 * Undefined when it was made here and is not kept in mind any more: then it was deleted here, and is to stay so.
 */
async function currentConfig(
  session: ZohoSession,
  known: ChannelConfig,
  isOurs: boolean,
): Promise<ChannelConfig | undefined> {
  const listed = await session.client.get(known.id);
  const config = listed === undefined ? undefined : configOf(listed);
  return config ?? (await recall(session, known.id)) ?? (isOurs ? undefined : known);
}

function recall({ memory, product, signIn }: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return memory.recall(signIn.name, product.id, id);
}

export function changeReport(product: string, change: ChannelChange, now: Date): ChannelReport {
  const expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
  const error = "error" in change ? change.error : undefined;
  const warning = "warning" in change ? change.warning : undefined;
  const reason = change.type === "unknown" ? "it was deleted here, and is not kept alive any more" : warning;
  return {
    type: "channel",
    state: change.type,
    product,
    id: change.id,
    expiresAt,
    previousExpiresAt: change.type === "renewed" ? change.from : undefined,
    timeLeftMs: expiresAt === undefined ? undefined : expiresAt.getTime() - now.getTime(),
    reason: error === undefined ? reason : errorText(error),
    hint: error instanceof UserError ? error.hint : undefined,
  };
}
