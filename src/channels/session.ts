import type { Context } from "../project/context.ts";
import { type Config, loadConfig, userFolder } from "../project/load.ts";
import { shellQuoted } from "../util/text.ts";
import { type AccessTokens, accessTokens } from "../zoho-api/access-token.ts";
import { type ZohoApi, zohoApi } from "../zoho-api/api.ts";
import { type ZohoHttp, zohoHttp } from "../zoho-api/http.ts";
import { openSignIn, warnOfClock, type ZohoOptions } from "../zoho-api/session.ts";
import { accountOf, type SignIn } from "../zoho-api/sign-in.ts";
import { watchClient } from "./api.ts";
import type { ChannelAccess } from "./create.ts";
import { channelMemory } from "./memory.ts";
import { findWatchProduct, type WatchProduct } from "./products.ts";

/** Access to the channels of one organisation. */
export interface ZohoSession extends ChannelAccess {
  readonly config: Config;
  readonly signIn: SignIn;
  readonly http: ZohoHttp;
  readonly tokens: AccessTokens;
  readonly product: WatchProduct;
  readonly api: ZohoApi;
  /** What channels are remembered for. */
  readonly account: string;
}

/** Opens a session, and closes it after the work. */
export async function withZoho<T>(
  context: Context,
  options: ZohoOptions,
  work: (session: ZohoSession) => Promise<T>,
): Promise<T> {
  const session = await openZoho(context, options);
  try {
    return await work(session);
  } finally {
    await session.http.close();
  }
}

/** Opens a session. The caller closes its `http`. */
export async function openZoho(
  context: Context,
  options: ZohoOptions,
  config: Config = loadConfig(context),
): Promise<ZohoSession> {
  const product = findWatchProduct(options.product ?? "crm");
  const signIn = await openSignIn(context, config, options.profile);
  const http = zohoHttp(context, config);
  const tokens = accessTokens(context, signIn, http);
  const onClockOffset = (offsetMs: number): void => warnOfClock(context, offsetMs);
  const api = zohoApi({ http, tokens, signIn, product, now: context.now, onClockOffset });
  const client = watchClient(api, product, context.signal);
  const now = (): Date => new Date(context.now().getTime() + api.clockOffsetMs());
  const command = (words: string): string => channelsCommand(context, product, options, words);
  const account = accountOf(signIn);
  const owner = { profile: signIn.name, product: product.id, account };
  const memory = channelMemory(userFolder(context), owner);
  return { config, signIn, http, tokens, product, api, client, memory, command, now, account };
}

function channelsCommand(
  { invocation }: Context,
  product: WatchProduct,
  { profile }: ZohoOptions,
  words: string,
): string {
  const given = { product: product.id, profile };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name} ${shellQuoted(value)}`,
  );
  return [invocation, "channels", words, ...flags].join(" ");
}
