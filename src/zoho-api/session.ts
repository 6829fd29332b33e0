import { MASK } from "../delivery/mask.ts";
import type { Context, Sink } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";
import type { ApiRequest, ZohoApi } from "./api.ts";
import { type CredentialsStore, credentialsStore } from "./credentials.ts";
import {
  type DataCentre,
  findDataCentre,
  isLocalZoho,
  knownCentre,
  lookUpCentre,
  resolveHosts,
  unknownCentre,
} from "./data-centres.ts";
import { hasEnvSignIn, setting, signInFromEnv } from "./env-sign-in.ts";
import { maskedBody, zohoHttp } from "./http.ts";
import { keyringVault, systemKeyring } from "./keyring.ts";
import type { ApiRequestLine } from "./lines.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import type { SignIn } from "./sign-in.ts";

export interface ZohoOptions {
  readonly profile?: string;
  readonly product?: string;
}

/** Members of a Context that a session with Zoho needs. It asks nothing. */
export type ZohoContext = Pick<
  Context<ApiRequestLine>,
  "env" | "userFolder" | "knownSecrets" | "invocation" | "now" | "sleep" | keyof Sink
>;

/** The profile named by flag or variable, else the environment's sign-in, else the current profile. */
export async function openSignIn(context: ZohoContext, config: Config, profile: string | undefined): Promise<SignIn> {
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

/** Whether the servers of the sign-in that `openSignIn` would open are on this machine. Reads no secrets. */
export async function usesLocalZoho(
  context: Pick<ZohoContext, "userFolder" | "env">,
  config: Config,
  profile?: string,
): Promise<boolean> {
  const name = chosenProfile(config, profile);
  try {
    const isFromEnv = name === undefined && hasEnvSignIn(config.env);
    const { current, profiles } = await openStore(context, config).profiles();
    const stored = isFromEnv ? undefined : profiles.find((each) => each.name === (name ?? current));
    return isLocalZoho(resolveHosts(stored ?? findDataCentre("us"), config.env));
  } catch {
    // `openSignIn` says what is wrong.
    return false;
  }
}

/** `ZOHO_PROFILE` may come from the project's `.env`: an organisation belongs to a project. */
export function chosenProfile({ env }: Pick<Config, "env">, flag?: string): string | undefined {
  return flag ?? (env.ZOHO_PROFILE?.trim() || undefined);
}

/** `ZOHO_KEYRING=off` stores secrets in a private file instead. */
export function openStore(context: Pick<ZohoContext, "userFolder" | "env">, config: Config): CredentialsStore {
  const keyring = context.env.ZOHO_KEYRING === "off" ? undefined : keyringVault(systemKeyring);
  return credentialsStore({ folder: context.userFolder, keyring, env: config.env });
}

/** The data centre of `ZOHO_DC`, by default `us`. */
export function centreFromEnv(context: ZohoContext, config: Config): Promise<DataCentre> {
  return centreNamed(context, config, setting(config.env, "ZOHO_DC") ?? "us");
}

/** Asks Zoho for a data centre that this version does not know. */
export async function centreNamed(context: ZohoContext, config: Config, id: string): Promise<DataCentre> {
  const known = knownCentre(id);
  if (known !== undefined) return known;
  if (setting(config.env, "ZOHO_ACCOUNTS_URL") !== undefined) {
    const { message } = unknownCentre(id);
    throw usageError(
      `${message} that this version knows, and only Zoho's own accounts server is asked for others`,
      "ZOHO_ACCOUNTS_URL names another: unset it, or leave the data centre out",
    );
  }
  const { accountsUrl } = findDataCentre("us");
  return withHttp(context, config, (http) =>
    context.waiting("asking Zoho for its data centres", () =>
      lookUpCentre(id, { http, accountsUrl, signal: context.signal }),
    ),
  );
}

/** Runs work with a client for Zoho's servers, and closes it. */
export async function withHttp<T>(
  context: ZohoContext,
  config: Config,
  work: (http: ZohoHttp) => Promise<T>,
): Promise<T> {
  const http = zohoHttp(context, config);
  try {
    return await work(http);
  } finally {
    await http.close();
  }
}

export function warnOfClock(context: ZohoContext, offsetMs: number): void {
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

/** Asks before something at Zoho is deleted, and says in which account. Without a terminal only `--yes` answers. */
export async function confirm(
  context: Context,
  { config, signIn }: { readonly config: Config; readonly signIn: SignIn },
  question: string,
  { yes, profile }: { readonly yes?: boolean; readonly profile?: string },
): Promise<boolean> {
  if (yes === true) return true;
  const prompts = await context.prompts();
  const by = profile !== undefined ? "--profile" : config.env.ZOHO_PROFILE?.trim() ? "ZOHO_PROFILE" : "the current one";
  const account = signIn.name === "environment" ? "the environment's variables" : `profile ${signIn.name} (${by})`;
  if (prompts !== undefined) return prompts.confirm({ message: `In the Zoho account of ${account}: ${question}` });
  throw usageError(`there is no terminal to ask ${JSON.stringify(question)}`, "add --yes");
}

/** Shows a request to Zoho, with its secrets masked, instead of sending it. */
export function showRequest(
  context: Pick<Sink<ApiRequestLine>, "report">,
  { api }: { readonly api: ZohoApi },
  request: ApiRequest,
): ExitCode {
  const { method, json, multipart, headers } = request;
  context.report({
    type: "api_request",
    sent: false,
    method,
    url: api.urlOf(request),
    headers: {
      authorization: `Zoho-oauthtoken ${MASK}`,
      ...headers,
      ...(json !== undefined && { "content-type": "application/json" }),
      ...(multipart !== undefined && { "content-type": "multipart/form-data" }),
    },
    body: maskedBody(request) ?? null,
    status: null,
    error: null,
    latency_ms: null,
  });
  return ExitCode.ok;
}
