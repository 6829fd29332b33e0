import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { UserError } from "../util/errors.ts";
import { accessTokens } from "./access-token.ts";
import { type DataCentre, dataCentreOf, resolveHosts } from "./data-centres.ts";
import { setting } from "./env-sign-in.ts";
import type { ApiRequestLine, SignInLine } from "./lines.ts";
import { type LoginOptions, type LoginPlan, readLoginPlan } from "./login-plan.ts";
import type { TokenReply } from "./oauth.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import { chosenProfile, openStore, withHttp } from "./session.ts";
import { signInError } from "./sign-in.ts";
import { signInLine } from "./whoami.ts";

/** Gets tokens with the chosen method, stores them, and reports what Zoho granted. */
export async function login(context: Context<ApiRequestLine | SignInLine>, options: LoginOptions): Promise<void> {
  const config = loadConfig(context);
  const name = chosenProfile(config, options.profile) ?? "default";
  const store = openStore(context, config);
  await store.check(name);
  const plan = await readLoginPlan(context, config, options);
  const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
  await withHttp(context, config, async (http) => {
    const { tokens, refreshToken, centre, accountsUrl } = await findCentre(http, config, plan);
    const { clientId, environment } = plan;
    const clientSecret = plan.clientSecret.reveal();
    context.knownSecrets.remember(clientSecret, refreshToken, tokens.accessToken);
    // Undefined also if its secrets cannot be read, because then it cannot be used.
    const previous = await store.open(name).catch((error: unknown) => {
      if (error instanceof UserError) return undefined;
      throw error;
    });
    const scopes = tokens.scopes ?? plan.scopes;
    const profile = { dataCentre: centre.id, environment, accountsUrl, clientId, scopes };
    const { noKeyringBecause, secretsPath } = await store.save(name, profile, { clientSecret, refreshToken });
    const signedIn = await store.open(name);
    const token = await accessTokens(context, signedIn, http).store(tokens);
    const secretsIn = noKeyringBecause === undefined ? "the system's keyring" : secretsPath;
    context.report(signInLine("signed_in", signedIn, token, secretsIn));
    if (noKeyringBecause !== undefined) {
      const message = `the secrets are in ${secretsPath}, which only you can read (no keyring: ${noKeyringBecause})`;
      context.report({ type: "notice", message });
    }
    if (previous?.access.kind === "refreshable" && previous.access.refreshToken.reveal() !== refreshToken) {
      await accessTokens(context, previous, http).forget();
      warn(
        `${name} replaces an earlier sign-in, whose refresh token is still valid at Zoho`,
        "remove it from the connected apps of your Zoho account; next time, run logout before login",
      );
    }
    warnIfUnused(context, config, name, refreshToken);
    const missing = plan.scopes.filter((scope) => !scopes.includes(scope));
    if (missing.length > 0)
      warn(
        `Zoho did not grant ${missing.join(", ")}`,
        "commands that need these will fail; generate the code with all the scopes and sign in again",
      );
  });
}

/** A data centre answers with one of these to the credentials of another. */
const UNKNOWN_HERE = new Set(["invalid_client", "invalid_client_secret", "invalid_code"]);
const UNREACHABLE = new Set(["unreachable", "no_answer", "unavailable"]);

/**
 * Tries one data centre after another until one gives tokens. There is no other way to find it: to each, the credentials
 * of another look wrong. A wrong one does not use up a code.
 */
async function findCentre(
  http: ZohoHttp,
  { env }: Config,
  { centres, clientId, clientSecret, obtain }: LoginPlan,
): Promise<{ tokens: TokenReply; refreshToken: string; centre: DataCentre; accountsUrl: string }> {
  const failures: string[] = [];
  let unreachable: UserError | undefined;
  let hasAnswer = false;
  for (const asked of centres) {
    const { accountsUrl } = resolveHosts(asked, env);
    try {
      const { tokens, centre } = await obtain(http, { accountsUrl, clientId, clientSecret });
      const { refreshToken } = tokens;
      if (refreshToken === undefined) throw noRefreshToken();
      if (centre !== undefined) return { tokens, refreshToken, centre, accountsUrl: centre.accountsUrl };
      return { tokens, refreshToken, centre: dataCentreOf(accountsUrl) ?? asked, accountsUrl };
    } catch (error) {
      if (centres.length === 1 || !(error instanceof UserError)) throw error;
      if (UNREACHABLE.has(error.code)) unreachable = error;
      else if (UNKNOWN_HERE.has(error.code)) hasAnswer = true;
      else throw error;
      failures.push(`${asked.id}: ${UNREACHABLE.has(error.code) ? "could not be reached" : error.code}`);
    }
  }
  if (unreachable !== undefined && !hasAnswer) {
    const { message, hint, code } = unreachable;
    throw new UserError("zohoApi", `no data centre could be reached: ${message}`, hint, code);
  }
  throw signInError(
    `none of Zoho's data centres${unreachable === undefined ? "" : " that could be reached"} accepts this sign-in (${failures.join(", ")})`,
    "compare the client id and secret with https://api-console.zoho.com, and generate a new code: it is valid for a few minutes and works once",
    "no_data_centre",
  );
}

function noRefreshToken(): UserError {
  return signInError(
    "Zoho gave an access token but no refresh token, so the sign-in would end in an hour",
    "ask for the code with access_type=offline and prompt=consent: without the latter only the first consent gives one",
    "no_refresh_token",
  );
}

/** A variable that takes precedence would silently be used instead of the new profile. */
function warnIfUnused(context: Context, config: Config, profile: string, refreshToken: string): void {
  const named = chosenProfile(config, undefined);
  // The same sign-in: it was given for this very login.
  if (named === undefined && setting(config.env, "ZOHO_REFRESH_TOKEN") === refreshToken) return;
  const token = (["ZOHO_REFRESH_TOKEN", "ZOHO_ACCESS_TOKEN"] as const).find(
    (name) => setting(config.env, name) !== undefined,
  );
  const first = named === undefined ? token : named === profile ? undefined : "ZOHO_PROFILE";
  if (first === undefined) return;
  context.report({
    type: "warning",
    message: `${first} is set${first === token ? "" : ` to ${named}`}, which takes precedence over the profile ${profile}: commands here will not use the profile unless you name it`,
    hint: `add --profile ${profile} to a command, or unset ${first}`,
  });
}
