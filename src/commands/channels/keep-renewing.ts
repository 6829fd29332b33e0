import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, errorText, UserError } from "../../core/errors.ts";
import type { Channel } from "../../zoho/channels.ts";
import { type ChannelChange, keepAlive } from "../../zoho/keep-alive.ts";
import type { ZohoSession } from "../zoho-session.ts";
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
    chosen.map(async ({ id, channel }) => ({
      config: { ...(await renewalConfig(session, id, channel)), id },
      expiresAt: channel?.expiresAt,
    })),
  );
  const ids = chosen.map(({ id }) => id).join(", ");
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

export function changeReport(product: string, change: ChannelChange, now: Date): ChannelReport {
  const expiresAt = change.type === "lost" ? undefined : change.expiresAt;
  const error = change.type === "lost" || change.type === "expiring" ? change.error : undefined;
  const warning = change.type === "created" || change.type === "renewed" ? change.warning : undefined;
  return {
    type: "channel",
    state: change.type,
    product,
    id: change.id,
    expiresAt,
    previousExpiresAt: change.type === "renewed" ? change.from : undefined,
    timeLeftMs: expiresAt === undefined ? undefined : expiresAt.getTime() - now.getTime(),
    reason: error === undefined ? warning : errorText(error),
    hint: error instanceof UserError ? error.hint : undefined,
  };
}
