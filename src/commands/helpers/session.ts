import type { Command } from "commander";
import { type Config, loadConfig, userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { shellQuoted } from "../../util/text.ts";
import { formatSpan } from "../../util/units.ts";
import { type ZohoApi, zohoApi } from "../../zoho/api.ts";
import { type AccessTokens, accessTokens } from "../../zoho/auth/access-token.ts";
import { type CredentialsStore, credentialsStore } from "../../zoho/auth/credentials.ts";
import { keyringVault, systemKeyring } from "../../zoho/auth/keyring.ts";
import { accountOf, type SignIn, signInFromEnv } from "../../zoho/auth/sign-in.ts";
import { type WatchClient, watchClient } from "../../zoho/channels/api.ts";
import { type ChannelMemory, type ChannelOwner, channelMemory } from "../../zoho/channels/memory.ts";
import type { WatchProduct } from "../../zoho/channels/products.ts";
import { findWatchProduct, watchProductIds } from "../../zoho/channels/products.ts";
import { createHttp, type ZohoHttp } from "../../zoho/http.ts";

export interface ZohoOptions {
  readonly profile?: string;
  readonly product?: string;
  readonly apiVersion?: string;
}

export function addZohoOptions(command: Command): Command {
  return command
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .option(`--product <${watchProductIds.join("|")}>`, "the product of the channels", "crm")
    .option("--api-version <version>", "version of the CRM API to use (default: v8)");
}

/** All that a command needs to work with the channels of one organisation. */
export interface ZohoSession {
  readonly signIn: SignIn;
  readonly http: ZohoHttp;
  readonly tokens: AccessTokens;
  readonly product: WatchProduct;
  readonly api: ZohoApi;
  readonly client: WatchClient;
  readonly memory: ChannelMemory;
  /** A command about these channels, for a person to copy: `zoho-hooks channels show 4711 --product crm`. */
  command(words: string): string;
  /** The time by Zoho's clock, once it has answered: by one that is off a channel would end too soon. */
  now(): Date;
}

/** Whose the channels are that are made and listed in a session. */
export function ownerOf({ signIn, product }: Pick<ZohoSession, "signIn" | "product">): ChannelOwner {
  return { profile: signIn.name, product: product.id, account: accountOf(signIn) };
}

/** Opens a session for the time that the work takes. */
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

/** A session that lasts until its `http` is closed. */
export async function openZoho(context: Context, options: ZohoOptions): Promise<ZohoSession> {
  const product = findWatchProduct(options.product ?? "crm", options.apiVersion);
  const config = loadConfig(context);
  const signIn = await openSignIn(context, config, options.profile);
  const http = zohoHttp(context, config);
  const tokens = sessionTokens(context, signIn, http);
  const onClockOffset = (offsetMs: number): void => warnOfClock(context, offsetMs);
  const api = zohoApi({ http, tokens, signIn, product, now: context.now, onClockOffset });
  const client = watchClient(api, product, context.signal);
  const now = (): Date => new Date(context.now().getTime() + api.clockOffsetMs());
  const command = (words: string): string => channelsCommand(context, product, options, words);
  return { signIn, http, tokens, product, api, client, memory: channelMemory(userFolder(context)), command, now };
}

function channelsCommand(
  { invocation }: Context,
  product: WatchProduct,
  { apiVersion, profile }: ZohoOptions,
  words: string,
): string {
  const given = { product: product.id, "api-version": apiVersion, profile };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name} ${shellQuoted(value)}`,
  );
  return [invocation, "channels", words, ...flags].join(" ");
}

/** The access tokens of a sign-in, which say what holds them up. */
export function sessionTokens(context: Context, signIn: SignIn, http: ZohoHttp): AccessTokens {
  return accessTokens({
    signIn,
    folder: userFolder(context),
    http,
    now: context.now,
    onWait: () => {
      const message = "waiting for another zoho-hooks process, which is getting an access token of this sign-in";
      context.report({ type: "notice", message });
    },
    onUnkept: (because) =>
      context.report({
        type: "warning",
        message: `the access token is not kept, so each command asks Zoho for one, which gives ten in ten minutes: ${because}`,
        hint: "let XDG_CONFIG_HOME (APPDATA on Windows) name a folder that can be written to",
      }),
  });
}

function warnOfClock(context: Context, offsetMs: number): void {
  const away = `${formatSpan(Math.abs(offsetMs))} ${offsetMs < 0 ? "ahead of" : "behind"}`;
  context.report({
    type: "warning",
    message: `the clock of this machine is ${away} Zoho's: ends of channels are reckoned by Zoho's`,
    hint: "set the clock right: what else depends on it goes wrong, too",
  });
}

/** What outlives an access token needs more than one: without the means to make another it would stop in silence. */
export function warnOfFixedToken(context: Context, { access }: SignIn, what: string): void {
  if (access.kind !== "fixed") return;
  context.report({
    type: "warning",
    message: `the access token of ${access.accessToken.origin} is over within an hour, and no other can be made from it: ${what}`,
    hint: "set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN instead, or sign in with zoho-hooks login",
  });
}

/** The profile that was asked for, by flag or variable; else the environment's sign-in; else the current profile. */
export async function openSignIn(context: Context, config: Config, profile: string | undefined): Promise<SignIn> {
  const name = chosenProfile(config, profile);
  const fromEnv = name === undefined ? signInFromEnv(config) : undefined;
  return fromEnv ?? openStore(context, config).open(name);
}

/** That of the flag, else of `ZOHO_PROFILE`, which a project's `.env` may set: an organisation belongs to a project. */
export function chosenProfile({ env }: Pick<Config, "env">, flag: string | undefined): string | undefined {
  return flag ?? (env.ZOHO_PROFILE?.trim() || undefined);
}

/** `ZOHO_KEYRING=off` keeps secrets in a private file, where a keyring is not wanted. */
export function openStore(context: Context, config: Config, useKeyring = true): CredentialsStore {
  const off = !useKeyring || config.env.ZOHO_KEYRING === "off";
  const keyring = off ? undefined : keyringVault(systemKeyring);
  return credentialsStore({ folder: userFolder(context), keyring, settings: config });
}

/** With `--verbose` each request is shown, its secrets masked. */
export function zohoHttp(context: Context, config: Config): ZohoHttp {
  return createHttp({
    env: config.env,
    sleep: context.sleep,
    random: Math.random,
    now: context.now,
    onPause: (host, ms) =>
      context.report({ type: "notice", message: `${host} asks for a pause: trying again in ${formatSpan(ms)}` }),
    onExchange: context.verbose
      ? ({ tryNumber: _, ...exchange }) => context.report({ type: "api-request", sent: true, ...exchange })
      : undefined,
  });
}
