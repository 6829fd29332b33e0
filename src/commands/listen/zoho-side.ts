import type { Context } from "../../context.ts";
import { ExitCode, errorText, UserError, usageError } from "../../core/errors.ts";
import { findProduct } from "../../core/event-name.ts";
import type { Secret, Secrets } from "../../core/secret.ts";
import { webhookUrl } from "../../receiver/route.ts";
import { channelEvents } from "../channel-events.ts";
import { notifyUrl } from "../channels/channel-options.ts";
import { type LiveChannel, makeChannelKey, openLiveChannel } from "../channels/live-channel.ts";
import { openZoho, warnOfFixedToken } from "../zoho-session.ts";
import type { NotificationParts, Notifications } from "./notifications.ts";
import { createRecordReader } from "./record-reader.ts";

/** Signs in, and makes ready what `--channel` and `--expand` ask for. */
export async function joinZoho(
  context: Context,
  { options, products, secrets, onLost }: NotificationParts,
): Promise<Notifications> {
  const events = options.channel && channelEvents(options.product ?? "crm", options.channel);
  const session = await openZoho(context, options);
  const { id: product, title } = session.product;
  if (events !== undefined && findProduct(products, product) === undefined) {
    throw usageError(`listen cannot receive from ${title}, so --channel cannot be used for it`);
  }
  if (events !== undefined)
    warnOfFixedToken(context, session.signIn, "from then on the channel can be neither renewed nor deleted");
  const key = makeChannelKey(context.now());
  const reader = options.expand === true ? createRecordReader(context, session) : undefined;
  let channel: LiveChannel | undefined;
  let moving: Promise<void> = Promise.resolve();
  let isLost = false;
  let isLeftOver = false;

  const end = (error: unknown): void => {
    isLost = true;
    onLost(error instanceof UserError ? channelLost(key.id, error) : error);
  };

  return {
    secrets: events === undefined ? secrets : withToken(secrets, product, key.token),
    async start(publicUrl) {
      if (events === undefined || publicUrl === undefined) return;
      const url = notifyUrl(context, webhookUrl(publicUrl, product));
      channel = await context.waiting("Creating the channel …", () =>
        openLiveChannel({ context, session, key, events, url, onEnd: end }),
      );
    },
    moved(publicUrl) {
      moving = moving.then(() => channel?.moveTo(webhookUrl(publicUrl, product)));
    },
    channel() {
      if (channel === undefined) return undefined;
      const expiresAt = channel.expiresAt();
      const timeLeftMs = expiresAt === undefined ? undefined : expiresAt.getTime() - session.now().getTime();
      return { product, id: channel.id, events: channel.events, expiresAt, timeLeftMs };
    },
    expand: (event) => reader?.read(event),
    async stop() {
      if (channel === undefined) return;
      isLost ||= channel.expiresAt() === undefined;
      isLeftOver = !(await channel.close());
    },
    async close() {
      await reader?.close();
      await session.http.close();
    },
    exitCode() {
      if (isLost) return ExitCode.connectionLost;
      return isLeftOver ? ExitCode.zohoApi : ExitCode.ok;
    },
  };
}

/** The channel's token counts beside the configured ones, for its own product. */
function withToken(secrets: Secrets, product: string, token: Secret): Secrets {
  return {
    for: (credential, ofProduct) => [
      ...secrets.for(credential, ofProduct),
      ...(credential === "token" && ofProduct === product ? [token] : []),
    ],
    all: () => [...secrets.all(), token],
  };
}

function channelLost(id: string, error: UserError): UserError {
  return new UserError("connectionLost", `channel ${id} was lost: ${errorText(error)}`, error.hint, "channelLost");
}
