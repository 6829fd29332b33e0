import {
  type ActiveChannels,
  activeIds,
  deleteActiveChannels,
  findActiveChannels,
  warnOfActiveChannels,
} from "../channels/active-channels.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { revokeToken } from "../zoho-api/oauth.ts";
import { chosenProfile, openStore, withHttp } from "../zoho-api/session.ts";
import { hasEnvSignIn, type SignIn, signInError } from "../zoho-api/sign-in.ts";
import type { Define } from "./command.ts";

interface LogoutOptions {
  readonly profile?: string;
  readonly local?: boolean;
  readonly deleteChannels?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option("--profile <name>", "the sign-in to revoke (default: ZOHO_PROFILE, else the current one)")
    .option("--local", "only remove it from this machine: its tokens stay valid at Zoho")
    .option("--delete-channels", "first delete the active channels that were created here, without asking")
    .addHelpText("before", examples("zoho-hooks logout", "zoho-hooks logout --profile acme --delete-channels"))
    .addHelpText("after", HELP)
    .action(act(logout));
};

const HELP = `
Revokes the refresh token at Zoho, which also ends its access tokens, and then removes the profile from this machine. If
Zoho does not confirm, the profile stays, and the exit code is 6.

Channels post until they expire, and without the sign-in they can be neither listed nor deleted. In a terminal it asks
whether to delete those that were created here; otherwise it lists them. If one cannot be deleted, the profile stays, and
the exit code is 7. No other profile becomes the current one.`;

async function logout(context: Context, options: LogoutOptions): Promise<ExitCode> {
  const { local = false, deleteChannels = false } = options;
  if (local && deleteChannels)
    throw usageError("--local sends nothing to Zoho, so it cannot delete channels", "leave --local out");
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
  // Undefined if the secrets cannot be read: removing the profile does not need them.
  const signIn = await store.open(named).catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== "no_secrets") throw error;
    if (local) return undefined;
    const hint = "unlock the keyring; or add --local to remove the profile without revoking its tokens at Zoho";
    throw signInError(error.message, hint, error.code);
  });
  const profile = profiles.find((each) => each.name === (named ?? current));
  if (profile === undefined) throw new Error("a sign-in that was opened has a profile");
  const { name } = profile;
  let active = await context.waiting("looking for active channels", () =>
    findActiveChannels(context, config, name, local ? undefined : signIn),
  );
  if (!local && (await shouldDelete(context, active, name, deleteChannels))) {
    const exitCode = await deleteActiveChannels(context, config, name, active);
    if (exitCode !== ExitCode.ok) {
      context.report({ type: "warning", message: `still signed in as ${name}: not all channels were deleted` });
      return exitCode;
    }
    active = active.map((each) => ({ ...each, ours: [] }));
  }
  if (signIn !== undefined) await endTokens(context, config, signIn, local);
  await store.remove(name, { evenIfSecretsStay: signIn === undefined });
  context.report({
    type: "sign-in",
    state: "signed-out",
    profile: name,
    dataCentre: profile.dataCentre,
    environment: profile.environment,
    accountsUrl: profile.accountsUrl,
    apiUrl: signIn?.hosts.apiUrl,
    clientId: profile.clientId,
    scopes: profile.scopes,
    secretsIn: signIn === undefined ? "not where they were stored" : "nowhere",
    tokenExpiresAt: undefined,
  });
  warnOfActiveChannels(context, { profile: name, signIn }, active);
  const left = profiles.map((each) => each.name).filter((each) => each !== name);
  if (name === current && left.length > 0) {
    const message = `no profile is the current one now. Profiles: ${left.join(", ")}. Choose one with --profile or ZOHO_PROFILE; ${context.invocation} login --profile <name> makes one current`;
    context.report({ type: "notice", message });
  }
  if (local) {
    context.report({
      type: "warning",
      message: "its refresh token is still valid at Zoho",
      hint: "remove the app from the connected apps of your Zoho account",
    });
  }
  return ExitCode.ok;
}

async function shouldDelete(
  context: Context,
  active: readonly ActiveChannels[],
  profile: string,
  isRequested: boolean,
): Promise<boolean> {
  const ids = activeIds(active);
  if (isRequested || ids === "") return isRequested;
  const prompts = await context.prompts();
  const message = `Without the sign-in of profile ${profile}, channels created here can still post (${ids}). Delete them first?`;
  return (await prompts?.confirm({ message })) === true;
}

/** Revokes the tokens at Zoho, unless `local`, and then forgets them here. */
async function endTokens(context: Context, config: Config, signIn: SignIn, local: boolean): Promise<void> {
  const { access, name } = signIn;
  if (access.kind !== "refreshable") throw new Error("a profile has a refresh token");
  try {
    await withHttp(context, config, async (http) => {
      const revoke = () => revokeToken(http, access.client.accountsUrl, access.refreshToken, context.signal);
      if (!local) await context.waiting("revoking the refresh token", revoke);
      await accessTokens(context, signIn, http).forget();
    });
  } catch (error) {
    const hint = `the profile stays; to remove it anyway: ${context.invocation} logout --local --profile ${name}`;
    if (error instanceof UserError) throw signInError(error.message, `${error.hint ?? ""}; ${hint}`, error.code);
    const message = "the refresh token may have been revoked: Zoho did not answer";
    if (!local) context.report({ type: "warning", message, hint });
    throw error;
  }
}
