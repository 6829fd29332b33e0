import type { Config } from "../project/load.ts";
import { UserError } from "../util/errors.ts";
import { shellQuoted } from "../util/text.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { zohoApi } from "../zoho-api/api.ts";
import { isLocalZoho } from "../zoho-api/data-centres.ts";
import { accountOf } from "../zoho-api/env-sign-in.ts";
import { zohoHttp } from "../zoho-api/http.ts";
import { openSignIn, warnOfClock, type ZohoContext, type ZohoOptions } from "../zoho-api/session.ts";
import type { Channel } from "./channel.ts";
import { watchClient } from "./client.ts";
import { MINUTE_MS } from "./expiry.ts";
import { channelMemory } from "./memory.ts";
import { findWatchProduct, type WatchProduct } from "./watch-products.ts";

/** Access to the channels of one organisation and product: at Zoho, and as they are remembered on this machine. */
export type ZohoSession = Awaited<ReturnType<typeof openZoho>>;

/** The part of a session that reads and writes channels. */
export type ChannelAccess = Pick<ZohoSession, "client" | "memory" | "now" | "command">;

/** A channel whose expiry another program left out lives an hour. A look takes one API credit. */
const POLL_MS = 15 * MINUTE_MS;
/** An emulator makes its channels older at any time, and its requests cost nothing. */
const LOCAL_POLL_MS = 3_000;

/** Opens a session, and closes it after the work. */
export async function withZoho<T>(
  context: ZohoContext,
  config: Config,
  options: ZohoOptions,
  work: (session: ZohoSession) => Promise<T>,
): Promise<T> {
  const session = await openZoho(context, config, options);
  try {
    return await work(session);
  } finally {
    await session.http.close();
  }
}

/** Opens a session. The caller closes its `http`. */
export async function openZoho(
  context: ZohoContext,
  config: Config,
  { product: productId = "crm", profile }: ZohoOptions,
) {
  const product = findWatchProduct(productId);
  const signIn = await openSignIn(context, config, profile);
  const http = zohoHttp(context, config);
  const tokens = accessTokens(context, signIn, http);
  const onClockOffset = (offsetMs: number): void => warnOfClock(context, offsetMs);
  /** Another product's, for the same sign-in. */
  const apiOf = (other: WatchProduct) =>
    zohoApi({ http, tokens, signIn, product: other, now: context.now, onClockOffset });
  const api = apiOf(product);
  const folder = context.userFolder;
  const account = accountOf(signIn);
  const isZohoLocal = isLocalZoho(signIn.hosts);
  const flags = `--product ${shellQuoted(product.id)}${profile === undefined ? "" : ` --profile ${shellQuoted(profile)}`}`;
  return {
    config,
    signIn,
    http,
    tokens,
    product,
    api,
    apiOf,
    /** Identifies the organisation in the memory. */
    account,
    isZohoLocal,
    /** How often a long run looks at its channels. */
    pollMs: pollInterval(isZohoLocal),
    /** The folder of the memory, and of the locks of listeners. */
    folder,
    client: watchClient(api, product, context.signal),
    memory: channelMemory(folder, { profile: signIn.name, product: product.id, account }, api.now),
    now: api.now,
    /** A channels command to copy, with the flags of this sign-in: `zoho-hooks channels show 4711 --product crm`. */
    command: (words: string) => `${context.invocation} channels ${words} ${flags}`,
  };
}

/** How often a long run looks at what it has at Zoho. */
export function pollInterval(isZohoLocal: boolean): number {
  return isZohoLocal ? LOCAL_POLL_MS : POLL_MS;
}

/** All channels, as Zoho lists them and as they are remembered here. */
export type WholeList = Awaited<ReturnType<typeof listWithMissing>>;

/** The channels that Zoho lists, and those that it should: an expired one just vanishes from the list. */
export async function listWithMissing({ client, memory, now }: ChannelAccess, { isPoll = false } = {}) {
  const { listed, expired } = await client.read({ isPoll });
  await memory.observe([...listed, ...expired], now());
  return { listed, expired, missing: await memory.missing(listed, now()) };
}

export async function requireChannel({ client, command }: ChannelAccess, id: string): Promise<Channel> {
  const channel = await client.get(id);
  if (channel !== undefined) return channel;
  throw new UserError(
    "zohoApi",
    `${client.product.title} channel ${id} not found: it expired, was deleted, or belongs to another Zoho user`,
    `see what exists: ${command("list")}`,
    "not_subscribed",
  );
}
