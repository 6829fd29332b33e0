import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { timeOf } from "../util/json-line.ts";
import { accessTokens } from "./access-token.ts";
import type { CredentialsStore } from "./credentials.ts";
import { apiUrl } from "./data-centres.ts";
import { hasEnvSignIn } from "./env-sign-in.ts";
import type { ApiRequestLine, ProfileLine, SignInLine } from "./lines.ts";
import { chosenProfile, openSignIn, openStore, withHttp, type ZohoOptions } from "./session.ts";
import type { SignIn } from "./sign-in.ts";
import type { AccessToken } from "./token-refresh.ts";

/** Lists the profiles of this machine, and shows the sign-in that commands use once Zoho has given an access token for it. */
export async function whoami(context: Context<ApiRequestLine | SignInLine>, { profile }: ZohoOptions): Promise<void> {
  const config = loadConfig(context);
  const stored = await openStore(context, config).profiles();
  const used = chosenProfile(config, profile) ?? (hasEnvSignIn(config.env) ? undefined : stored.current);
  if (context.json || stored.profiles.some(({ name }) => name !== used)) listProfiles(context, stored, used);
  const signIn = await openSignIn(context, config, profile);
  await withHttp(context, config, async (http) => {
    const tokens = accessTokens(context, signIn, http);
    const token = await context.waiting("asking Zoho for an access token", () => tokens.get(context.signal));
    const isFromEnv = signIn.name === "environment";
    const own = isFromEnv ? undefined : stored.profiles.find(({ name }) => name === signIn.name);
    const places = { keyring: "the system's keyring", file: `a private file in ${context.userFolder}` };
    const secretsIn = own === undefined ? "the environment" : places[own.secretsIn];
    context.report(signInLine("current", signIn, token, secretsIn));
  });
}

type StoredProfiles = Awaited<ReturnType<CredentialsStore["profiles"]>>;

function listProfiles(context: Context, { profiles }: StoredProfiles, used: string | undefined): void {
  const rows = profiles.map(
    ({ name, dataCentre, environment, scopes, secretsIn }): ProfileLine => ({
      type: "profile",
      name,
      used: name === used,
      data_centre: dataCentre,
      environment,
      scopes,
      secrets_in: secretsIn,
    }),
  );
  context.report({
    type: "table",
    columns: ["", "profile", "data centre", "environment"],
    rows: rows.map((row) => [row.used ? "→" : "", row.name, row.data_centre, row.environment]),
    json: rows,
    footer: "choose another with --profile or ZOHO_PROFILE",
  });
}

export function signInLine(
  state: "signed_in" | "current",
  { name, centre, environment, hosts, scopes, access }: SignIn,
  token: AccessToken,
  secretsIn: string,
): SignInLine {
  return {
    type: "sign_in",
    state,
    profile: name,
    data_centre: centre.id,
    environment,
    accounts_url: hosts.accountsUrl,
    api_url: hosts.apiUrl ?? token.apiDomain ?? apiUrl(centre, environment),
    client_id: access.kind === "refreshable" ? access.client.clientId : null,
    scopes: scopes.length > 0 ? scopes : (token.scopes ?? []),
    secrets_in: secretsIn,
    token_expires_at: timeOf(token.expiresAt),
  };
}
