import {
  type ActiveChannels,
  activeIds,
  deleteActiveChannels,
  findActiveChannels,
  warnOfActiveChannels,
} from "../channels/active-channels.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { hasEnvSignIn } from "../zoho-api/env-sign-in.ts";
import { revokeToken } from "../zoho-api/oauth.ts";
import { chosenProfile, openStore, withHttp } from "../zoho-api/session.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";
import type { CommandContext, Define } from "./command.ts";

interface LogoutOptions {
  readonly profile?: string;
}

export const define: Define = (command, act) => {
  command
    .option("--profile <name>", "the sign-in to revoke (default: ZOHO_PROFILE, else the current one)")
    .addHelpText("before", examples("zoho-hooks logout", "zoho-hooks logout --profile acme"))
    .addHelpText("after", HELP)
    .action(act(logout));
};

const HELP = `
Revokes the refresh token at Zoho, which also ends its access tokens, and removes the profile from this machine. If Zoho
does not revoke it, the profile is removed all the same, with a warning that its token may still be valid.

Channels post until they expire, and without the sign-in they can be neither listed nor deleted. In a terminal it asks
whether to delete those that were created here; otherwise it lists them. If one cannot be deleted, the profile stays, and
the exit code is 7. In a script, delete them first: zoho-hooks channels delete --all --yes. No other profile becomes the
current one.`;

async function logout(context: CommandContext, options: LogoutOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const named = chosenProfile(config, options.profile);
  const store = openStore(context, config);
  // The sign-in that whoami shows then is not a stored one, which would be revoked.
  if (named === undefined && hasEnvSignIn(config.env)) {
    throw usageError(
      "environment variables sign you in, which logout cannot undo",
      `unset them; to sign out of a stored profile, name it: ${context.invocation} logout --profile <name>`,
    );
  }
  const { profiles, current } = await store.profiles();
  let whyValid: string | undefined;
  // Undefined if the secrets cannot be read: removing the profile does not need them.
  const signIn = await store.open(named).catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== "no_secrets") throw error;
    whyValid = error.message;
    return undefined;
  });
  const profile = profiles.find((each) => each.name === (named ?? current));
  if (profile === undefined) throw new Error("a sign-in that was opened has a profile");
  const { name } = profile;
  let active = await context.waiting("looking for active channels", () =>
    findActiveChannels(context, config, name, signIn),
  );
  if (await shouldDelete(context, active, name)) {
    const exitCode = await deleteActiveChannels(context, config, name, active);
    if (exitCode !== ExitCode.ok) {
      context.report({ type: "warning", message: `still signed in as ${name}: not all channels were deleted` });
      return exitCode;
    }
    active = active.map((each) => ({ ...each, ours: [] }));
  }
  if (signIn !== undefined) whyValid = await endTokens(context, config, signIn);
  await store.remove(name, { evenIfSecretsStay: signIn === undefined });
  context.report({
    type: "sign_in",
    state: "signed_out",
    profile: name,
    data_centre: profile.dataCentre,
    environment: profile.environment,
    accounts_url: profile.accountsUrl,
    api_url: signIn?.hosts.apiUrl ?? null,
    client_id: profile.clientId,
    scopes: profile.scopes,
    secrets_in: signIn === undefined ? "not where they were stored" : "nowhere",
    token_expires_at: null,
  });
  warnOfActiveChannels(context, { profile: name, signIn }, active);
  const left = profiles.map((each) => each.name).filter((each) => each !== name);
  if (name === current && left.length > 0) {
    const message = `no profile is the current one now. Profiles: ${left.join(", ")}. Choose one with --profile or ZOHO_PROFILE; ${context.invocation} login --profile <name> makes one current`;
    context.report({ type: "notice", message });
  }
  if (whyValid !== undefined) {
    context.report({
      type: "warning",
      message: `its refresh token may still be valid at Zoho: ${whyValid}`,
      hint: "remove the app from the connected apps of your Zoho account",
    });
  }
  return ExitCode.ok;
}

async function shouldDelete(
  context: CommandContext,
  active: readonly ActiveChannels[],
  profile: string,
): Promise<boolean> {
  const ids = activeIds(active);
  if (ids === "") return false;
  const prompts = await context.prompts();
  const message = `Without the sign-in of profile ${profile}, channels created here can still post (${ids}). Delete them first?`;
  return (await prompts?.confirm({ message })) === true;
}

/** Revokes the tokens at Zoho, and forgets them here. Resolves to why Zoho did not revoke them; undefined if it did. */
async function endTokens(context: CommandContext, config: Config, signIn: SignIn): Promise<string | undefined> {
  const { access, name } = signIn;
  if (access.kind !== "refreshable") throw new Error("a profile has a refresh token");
  return withHttp(context, config, async (http) => {
    const revoke = () => revokeToken(http, access.client.accountsUrl, access.refreshToken, context.signal);
    const why = await context.waiting("revoking the refresh token", revoke).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof UserError) return error.message;
        const message = "the refresh token may have been revoked: Zoho did not answer";
        const again = `${context.invocation} logout --profile ${name}`;
        context.report({ type: "warning", message, hint: `the profile stays; to try again: ${again}` });
        throw error;
      },
    );
    await accessTokens(context, signIn, http).forget();
    return why;
  });
}
