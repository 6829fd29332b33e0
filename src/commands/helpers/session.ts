import type { Command } from "commander";
import { type Config, loadConfig, userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { MASK } from "../../core/mask.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { shellQuoted } from "../../util/text.ts";
import { formatSpan } from "../../util/units.ts";
import { type ApiRequest, type ZohoApi, zohoApi } from "../../zoho/api.ts";
import { type AccessToken, type AccessTokens, accessTokens } from "../../zoho/auth/access-token.ts";
import { type CredentialsStore, credentialsStore } from "../../zoho/auth/credentials.ts";
import { keyringVault, systemKeyring } from "../../zoho/auth/keyring.ts";
import { accountOf, hasEnvSignIn, type SignIn, setting, signInFromEnv } from "../../zoho/auth/sign-in.ts";
import { watchClient } from "../../zoho/channels/api.ts";
import type { ChannelAccess } from "../../zoho/channels/create.ts";
import { channelMemory } from "../../zoho/channels/memory.ts";
import { findWatchProduct, type WatchProduct, watchProductIds } from "../../zoho/channels/products.ts";
import { type DataCentre, findDataCentre, knownCentre, unknownCentre } from "../../zoho/data-centres.ts";
import { createHttp, maskedBody, type ZohoHttp } from "../../zoho/http.ts";
import { lookUpCentre } from "../../zoho/server-list.ts";

export interface ZohoOptions {
  readonly profile?: string;
  readonly product?: string;
}

export function addZohoOptions(command: Command): Command {
  return command
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .option(`--product <${watchProductIds.join("|")}>`, "the product of the channels", "crm");
}

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
  const tokens = sessionTokens(context, signIn, http);
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

/** The access tokens of a sign-in. Reports what delays them. */
export function sessionTokens(context: Context, signIn: SignIn, http: ZohoHttp): AccessTokens {
  const tokens = accessTokens({
    signIn,
    folder: userFolder(context),
    http,
    now: context.now,
    onWait: () => {
      const message = "waiting for another zoho-hooks process that is getting an access token for this sign-in";
      context.report({ type: "notice", message });
    },
    onUncached: (because) =>
      context.report({
        type: "warning",
        message: `the access token cannot be saved, so each command needs a new one, and Zoho grants ten in ten minutes: ${because}`,
        hint: "set XDG_CONFIG_HOME (APPDATA on Windows) to a folder that can be written to",
      }),
  });
  const remembered = async (token: Promise<AccessToken>): Promise<AccessToken> => {
    context.knownSecrets.remember((await token).value);
    return token;
  };
  return {
    ...tokens,
    get: (signal) => remembered(tokens.get(signal)),
    replace: (rejected, signal) => remembered(tokens.replace(rejected, signal)),
  };
}

function warnOfClock(context: Context, offsetMs: number): void {
  const offset = `${formatSpan(Math.abs(offsetMs))} ${offsetMs < 0 ? "ahead of" : "behind"}`;
  context.report({
    type: "warning",
    message: `your clock is ${offset} Zoho's: Zoho's time is used for the expiry of channels`,
    hint: "fix the system clock",
  });
}

/** Warns a long run that has only an access token, and nothing to get another one with. */
export function warnOfFixedToken(context: Context, { access }: SignIn, effect: string): void {
  if (access.kind !== "fixed") return;
  context.report({
    type: "warning",
    message: `the access token of ${access.accessToken.origin} expires within an hour, and cannot be refreshed: ${effect}`,
    hint: "set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN instead, or sign in with zoho-hooks login",
  });
}

/** The profile named by flag or variable, else the environment's sign-in, else the current profile. */
export async function openSignIn(context: Context, config: Config, profile: string | undefined): Promise<SignIn> {
  const name = chosenProfile(config, profile);
  const signIn =
    name === undefined && hasEnvSignIn(config.env)
      ? signInFromEnv(config.env, await centreFromEnv(context, config))
      : await openStore(context, config).open(name);
  const { access } = signIn;
  const secrets = access.kind === "fixed" ? [access.accessToken] : [access.client.clientSecret, access.refreshToken];
  context.knownSecrets.remember(...secrets.map(({ reveal }) => reveal()));
  return signIn;
}

/** The data centre of `ZOHO_DC`, by default `us`. */
export function centreFromEnv(context: Context, config: Config): Promise<DataCentre> {
  return centreNamed(context, config, setting(config.env, "ZOHO_DC") ?? "us");
}

/** Asks Zoho for a data centre that this version does not know. */
export async function centreNamed(context: Context, config: Config, id: string): Promise<DataCentre> {
  const known = knownCentre(id);
  if (known !== undefined) return known;
  if (setting(config.env, "ZOHO_ACCOUNTS_URL") !== undefined) {
    const { message } = unknownCentre(id);
    throw usageError(
      `${message} that this version knows, and only Zoho's own accounts server is asked for others`,
      "ZOHO_ACCOUNTS_URL names another: unset it, or leave the data centre out",
    );
  }
  const http = zohoHttp(context, config);
  const { accountsUrl } = findDataCentre("us");
  try {
    return await context.waiting("asking Zoho for its data centres", () =>
      lookUpCentre(id, { http, accountsUrl, signal: context.signal }),
    );
  } finally {
    await http.close();
  }
}

/** `ZOHO_PROFILE` may come from the project's `.env`: an organisation belongs to a project. */
export function chosenProfile({ env }: Pick<Config, "env">, flag: string | undefined): string | undefined {
  return flag ?? (env.ZOHO_PROFILE?.trim() || undefined);
}

/** `ZOHO_KEYRING=off` stores secrets in a private file instead. */
export function openStore(context: Context, config: Config, useKeyring = true): CredentialsStore {
  const off = !useKeyring || context.env.ZOHO_KEYRING === "off";
  const keyring = off ? undefined : keyringVault(systemKeyring);
  return credentialsStore({ folder: userFolder(context), keyring, env: config.env });
}

/** With `--verbose` each request is shown, with its secrets masked. */
export function zohoHttp(context: Context, config: Config): ZohoHttp {
  return createHttp({
    env: config.env,
    sleep: context.sleep,
    random: Math.random,
    now: context.now,
    onPause: (host, ms) =>
      context.report({ type: "notice", message: `${host} asked to wait: retrying in ${formatSpan(ms)}` }),
    onExchange: context.verbose
      ? ({ attempt: _, ...exchange }) => context.report({ type: "api-request", sent: true, ...exchange })
      : undefined,
  });
}

/** Shows a request to Zoho, with its secrets masked, instead of sending it. */
export function showRequest(context: Context, { api }: { readonly api: ZohoApi }, request: ApiRequest): ExitCode {
  const { method, json, multipart, headers } = request;
  context.report({
    type: "api-request",
    sent: false,
    method,
    url: api.urlOf(request),
    headers: {
      authorization: `Zoho-oauthtoken ${MASK}`,
      ...headers,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(multipart === undefined ? {} : { "content-type": "multipart/form-data" }),
    },
    body: maskedBody(request),
    status: undefined,
    error: undefined,
    latencyMs: undefined,
  });
  return ExitCode.ok;
}
