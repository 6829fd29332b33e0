import { type Config, userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { ExitCode, UserError } from "../../core/errors.ts";
import { accessTokens } from "../../zoho/access-token.ts";
import { startRedirectServer } from "../../zoho/browser-login.ts";
import type { CredentialsStore } from "../../zoho/credentials-store.ts";
import { apiUrl, type DataCentre, dataCentreOf, findDataCentre, resolveHosts } from "../../zoho/data-centres.ts";
import { deviceLogin } from "../../zoho/device-flow.ts";
import type { ZohoHttp } from "../../zoho/http.ts";
import { exchangeCode, type OAuthClient, refreshAccess, type TokenReply } from "../../zoho/oauth.ts";
import type { SignIn } from "../../zoho/sign-in.ts";
import { areOf, requireTrustedHosts } from "../../zoho/trusted-hosts.ts";
import { openInBrowser } from "../desktop.ts";
import { chosenProfile, zohoHttp } from "../zoho-session.ts";
import { findCentre } from "./find-centre.ts";
import type { LoginPlan } from "./plan.ts";

const BROWSER_WAIT_MS = 300_000;

/** Gets tokens by the way that was chosen, keeps them, and says what Zoho granted. */
export async function signIn(
  context: Context,
  config: Config,
  store: CredentialsStore,
  plan: LoginPlan,
): Promise<ExitCode> {
  const http = zohoHttp(context, config);
  try {
    const { tokens, accountsUrl, refreshToken } = await findCentre(centresOf(plan, config), (asked) =>
      obtainTokens(context, http, plan, asked),
    );
    const centre = dataCentreOf(accountsUrl) ?? plan.centres[0] ?? findDataCentre("us");
    const profile = {
      name: plan.profile,
      dataCentre: centre.id,
      environment: plan.environment,
      accountsUrl,
      clientId: plan.clientId,
      scopes: tokens.scopes ?? plan.scopes,
    };
    const before = await keptSignIn(store, plan.profile);
    const saved = await store.save(profile, { clientSecret: plan.clientSecret.reveal(), refreshToken });
    const signedIn = await store.open(plan.profile);
    await accessTokens({ signIn: signedIn, folder: userFolder(context), http, now: context.now }).keep(tokens);
    context.report({
      type: "sign-in",
      state: "signed-in",
      profile: plan.profile,
      dataCentre: centre.id,
      environment: plan.environment,
      accountsUrl,
      apiUrl: signedIn.hosts.apiUrl ?? tokens.apiDomain ?? apiUrl(centre, plan.environment),
      clientId: plan.clientId,
      scopes: profile.scopes,
      secretsIn: saved.noKeyringBecause === undefined ? "the system's keyring" : saved.path,
      tokenExpiresAt: new Date(context.now().getTime() + tokens.lifetimeMs),
    });
    if (saved.noKeyringBecause !== undefined) {
      context.report({
        type: "notice",
        message: `the secrets are in ${saved.path}, which only you can read: no keyring, because ${saved.noKeyringBecause}`,
      });
    }
    if (before !== undefined) await partWith(context, http, before, refreshToken);
    warnOfAnother(context, config, plan.profile);
    const missing = tokens.scopes === undefined ? [] : plan.scopes.filter((scope) => !tokens.scopes?.includes(scope));
    if (missing.length > 0) {
      context.report({
        type: "warning",
        message: `Zoho did not grant ${missing.join(", ")}`,
        hint: "commands that need these will fail; generate the code with all the scopes and sign in again",
      });
    }
    return ExitCode.ok;
  } finally {
    await http.close();
  }
}

/** Undefined where there is none, or its secrets cannot be read: then nothing of it can be used either. */
async function keptSignIn(store: CredentialsStore, name: string): Promise<SignIn | undefined> {
  return store.open(name).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** The sign-in that another has taken the place of: what is kept of it here goes; what Zoho has is told. */
async function partWith(context: Context, http: ZohoHttp, before: SignIn, refreshToken: string): Promise<void> {
  if (before.access.kind !== "refreshable" || before.access.refreshToken.reveal() === refreshToken) return;
  await accessTokens({ signIn: before, folder: userFolder(context), http, now: context.now }).forget();
  context.report({
    type: "warning",
    message: `${before.name} replaces an earlier sign-in, whose refresh token is still valid at Zoho`,
    hint: "remove it from the connected apps of your Zoho account; next time, run logout before login",
  });
}

/** What goes before the profile that was just made would be used in its place without a word. */
function warnOfAnother(context: Context, config: Config, profile: string): void {
  const named = chosenProfile(config, undefined);
  const token = ["ZOHO_REFRESH_TOKEN", "ZOHO_ACCESS_TOKEN"].find((name) => config.env[name] !== undefined);
  const first = named === undefined ? token : named === profile ? undefined : "ZOHO_PROFILE";
  if (first === undefined) return;
  context.report({
    type: "warning",
    message: `${first} is set${first === token ? "" : ` to ${named}`}, which takes precedence over the profile ${profile}: commands here will not use the profile unless you name it`,
    hint: `add --profile ${profile} to a command, or unset ${first}`,
  });
}

/** A data centre of the plan is asked at its own server, unless the environment names one. */
function centresOf({ centres }: LoginPlan, config: Config): readonly DataCentre[] {
  requireTrustedHosts(config, (_, file) => areOf(file, config, ["ZOHO_CLIENT_SECRET"]));
  return centres.map((centre) => ({ ...centre, accountsUrl: resolveHosts(centre, config.env).accountsUrl }));
}

interface Obtained {
  readonly tokens: TokenReply;
  readonly accountsUrl: string;
  readonly refreshToken: string;
}

async function obtainTokens(context: Context, http: ZohoHttp, plan: LoginPlan, accountsUrl: string): Promise<Obtained> {
  const client: OAuthClient = { accountsUrl, clientId: plan.clientId, clientSecret: plan.clientSecret };
  const { method, scopes } = plan;
  const { signal } = context;
  const kept = (tokens: TokenReply, at: string, refreshToken = tokens.refreshToken): Obtained => {
    if (refreshToken !== undefined) return { tokens, accountsUrl: at, refreshToken };
    throw new UserError(
      "credentials",
      "Zoho gave an access token but no refresh token, so the sign-in would end in an hour",
      "generate the code with offline access, or remove the app from your Zoho account and consent again",
      "no_refresh_token",
    );
  };
  switch (method.kind) {
    case "code":
      return kept(
        await context.waiting("trading the code in", () =>
          exchangeCode(http, client, method.code.reveal(), { signal }),
        ),
        accountsUrl,
      );
    case "refresh-token": {
      const tokens = await context.waiting("trying the refresh token", () =>
        refreshAccess(http, client, method.refreshToken, { signal }),
      );
      return kept(tokens, accountsUrl, method.refreshToken.reveal());
    }
    case "device": {
      const show = (prompt: { userCode: string; verificationUrl: string }): void =>
        context.report({ type: "notice", message: `open ${prompt.verificationUrl} and type ${prompt.userCode}` });
      const done = await deviceLogin({ http, client, scopes, show, sleep: context.sleep, signal });
      return kept(done.tokens, done.accountsUrl);
    }
    case "browser": {
      const { clientId } = plan;
      const server = await startRedirectServer({
        accountsUrl,
        clientId,
        scopes,
        port: method.port,
        timeoutMs: BROWSER_WAIT_MS,
        signal,
      });
      try {
        context.report({ type: "notice", message: `open this address to sign in:\n${server.authorizationUrl}` });
        if (method.open && context.stderr.isTTY) openInBrowser(context, server.startUrl);
        const grant = await server.grant;
        const clientThere = { ...client, accountsUrl: grant.accountsUrl };
        const { code, redirectUri } = grant;
        const isNamed = grant.accountsUrl !== accountsUrl;
        return kept(await exchangeCode(http, clientThere, code, { redirectUri, isNamed, signal }), grant.accountsUrl);
      } finally {
        await server.close();
      }
    }
  }
}
