import { readChannelEvents } from "../channels/channel-events.ts";
import { openLiveChannel } from "../channels/live-channel.ts";
import { notifyUrl } from "../channels/notify-url.ts";
import { openZoho, type ZohoSession } from "../channels/session.ts";
import { type ChannelReservation, deleteOrphans, reserveChannel } from "../channels/take-over.ts";
import { crmWatch } from "../channels/watch-products.ts";
import { findProduct } from "../contract/event-names.ts";
import type { Product } from "../contract/product.ts";
import type { Secret, Secrets } from "../delivery/secrets.ts";
import type { Log } from "../log/log.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { ExitCode, errorText, UserError, usageError } from "../util/errors.ts";
import { warnOfFixedToken } from "../zoho-api/session.ts";
import { createRecordReader } from "./expand.ts";
import type { ChannelPart, Part } from "./part.ts";
import type { ZohoFlags } from "./plan.ts";
import { startSharedChannel } from "./shared-channel.ts";
import { requireStoreKey, type SharedSecretsPart } from "./shared-secrets.ts";

interface ZohoOptions {
  readonly options: ZohoFlags;
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly config: Config;
  /** Receivers share the log, and with it the channel. */
  readonly isShared: boolean;
  /** The channel is lost for good. */
  onLost(error: unknown): void;
}

/** Parts that receivers on one log share. */
interface SharedParts {
  readonly log: Log;
  readonly shared: SharedSecretsPart;
}

/** The session with Zoho's API. `--expand` fetches the record of each notification over it. */
export interface ZohoPart extends Part {
  /** The given secrets, and the token of the channel: it has to be known before the channel is created. */
  readonly secrets: Secrets;
  /** For `--channel`. */
  startChannel?(baseUrl: string, shared: SharedParts | undefined): Promise<ChannelPart>;
}

/** Signs in for `--channel` and `--expand`. */
export async function startZoho(context: Context, given: ZohoOptions): Promise<ZohoPart> {
  const { options, products, secrets, config, isShared, onLost } = given;
  const { paths } = config.settings;
  if (isShared && options.channel !== undefined) requireStoreKey(config);
  const wanted = options.channel && readChannelEvents(options.channel);
  const { id: product, title } = wanted?.product ?? crmWatch;
  if (wanted !== undefined && findProduct(products, product) === undefined)
    throw usageError(`listen cannot receive from ${title}, so --channel cannot be used for it`);
  const session = await openZoho(context, config, { product });
  const records = options.expand ? createRecordReader(context, session) : undefined;
  let reservation: ChannelReservation | undefined;
  const part = {
    name: "the connection to Zoho",
    secrets,
    onEvent: records?.read,
    async stop() {
      await reservation?.lock.release();
      await records?.close();
      await session.http.close();
    },
  };
  if (wanted === undefined) return part;
  const { events } = wanted;
  warnOfFixedToken(context, session.signIn, "from then on the channel can be neither renewed nor deleted");
  const [token] = config.secrets.for("token", product);
  if (isShared)
    return {
      ...part,
      async startChannel(baseUrl, shared) {
        if (shared === undefined) throw new Error("the log is a shared one");
        const open = (own: ZohoSession, reserved: ChannelReservation) =>
          startChannel(context, { session: own, reservation: reserved, events, baseUrl, paths, onLost });
        return startSharedChannel(context, { session, configured: token, baseUrl, paths, ...shared, open });
      },
    };
  const own = await reserveChannel(context, session, token);
  reservation = own;
  return {
    ...part,
    secrets: withToken(secrets, product, own.token),
    startChannel: (baseUrl) => startChannel(context, { session, reservation: own, events, baseUrl, paths, onLost }),
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

async function startChannel(
  context: Context,
  options: {
    readonly session: ZohoSession;
    readonly reservation: ChannelReservation;
    readonly events: readonly string[];
    /** The receiver's, as Zoho reaches it. */
    readonly baseUrl: string;
    /** The setting. */
    readonly paths: readonly string[];
    onLost(error: unknown): void;
  },
): Promise<ChannelPart> {
  const { session, reservation, baseUrl, onLost } = options;
  const { product, command } = session;
  let moving: Promise<void> = Promise.resolve();
  let exitCode: ExitCode = ExitCode.ok;
  const onEnd = (error: unknown): void => {
    exitCode = ExitCode.connectionLost;
    const message = `channel ${reservation.id} was lost: ${errorText(error)}`;
    onLost(error instanceof UserError ? new UserError("connectionLost", message, error.hint, "channelLost") : error);
  };
  const urlAt = (base: string): string => webhookUrl(base, product.id, options.paths);
  const url = notifyUrl(context, urlAt(baseUrl), session);
  const channel = await context.waiting("Creating the channel …", () =>
    openLiveChannel({ ...options, context, url, onEnd }),
  );
  // Nobody would delete the channel of this run if the start failed here.
  await deleteOrphans(context, session, url).catch((error: unknown) => {
    const message = `channels that an earlier listen left behind were not deleted: ${errorText(error)}`;
    context.report({ type: "warning", message, hint: `see ${command("list")}` });
  });
  return {
    name: "the channel",
    onMoved(newUrl) {
      moving = moving.then(() => channel.moveTo(urlAt(newUrl)));
    },
    state: channel.state,
    leave: channel.leave,
    async stop() {
      const isLost = exitCode !== ExitCode.ok || channel.state().expiresAt === undefined;
      const end = await channel.close();
      if (isLost || end === "gone") exitCode = ExitCode.connectionLost;
      else if (end === "left") exitCode = ExitCode.zohoApi;
    },
    exitCode: () => exitCode,
  };
}
