import { join } from "node:path";
import type { Secret } from "../body/secret.ts";
import type { Context } from "../context.ts";
import { usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { askOnce } from "./approvals.ts";
import { NOT_BY_ITSELF } from "./clone-rule.ts";
import { ENV_FILE, readEnvFile } from "./environment.ts";
import { type Config, isUserFolderInProject, userFolder } from "./load.ts";

/** Variables that choose the account at Zoho, or one of the user's sign-ins. */
const SIGN_IN = /^ZOHO_(?:CLIENT_ID|CLIENT_SECRET|REFRESH_TOKEN|ACCESS_TOKEN|DC|ENVIRONMENT|PROFILE)$/;

/** The sign-in variables of the project's `.env`, by name. A profile of the command line precedes all of them. */
function projectSignIn({ env, variableOrigin }: Config, profile: string | undefined): readonly string[] {
  if (profile !== undefined) return [];
  const names = Object.keys(env).filter((name) => SIGN_IN.test(name) && variableOrigin(name) !== "environment");
  // With a profile, or without a token, the others have no effect.
  if (env.ZOHO_PROFILE?.trim()) return names.filter((name) => name === "ZOHO_PROFILE");
  return env.ZOHO_REFRESH_TOKEN === undefined && env.ZOHO_ACCESS_TOKEN === undefined ? [] : names.toSorted();
}

/** Whether the token of the sign-in is the project's. The refresh token precedes: an access token beside it is not used. */
function isProjectToken(config: Config, profile: string | undefined): boolean {
  const token = config.env.ZOHO_REFRESH_TOKEN === undefined ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
  return projectSignIn(config, profile).includes(token);
}

/** Reports whose account a command changes, where the project's `.env` decides it, or a user's folder in the project. */
export function reportProjectSignIn(context: Context, config: Config, profile: string | undefined): void {
  const names = projectSignIn(config, profile);
  const { ZOHO_PROFILE, ZOHO_REFRESH_TOKEN, ZOHO_ACCESS_TOKEN } = config.env;
  const isStored = (profile ?? ZOHO_PROFILE) || (ZOHO_REFRESH_TOKEN ?? ZOHO_ACCESS_TOKEN) === undefined;
  if (names.length === 0 && isStored && isUserFolderInProject(context, config.root)) {
    const message = `${userFolder(context)}, which is in the project, decides whose Zoho account this changes`;
    context.report({ type: "notice", message });
  }
  if (names.length === 0) return;
  const shown = names.map((name) => (/SECRET|TOKEN/.test(name) ? name : `${name}=${oneLine(config.env[name] ?? "")}`));
  const message = `${join(config.root, ENV_FILE)} decides whose Zoho account this changes: ${shown.join(", ")}`;
  context.report({ type: "notice", message });
}

/** Before something is deleted at Zoho, or a sign-in ended or replaced, without a question. */
export async function approveProjectSignIn(
  context: Context,
  config: Config,
  profile: string | undefined,
): Promise<void> {
  const names = projectSignIn(config, profile);
  if (names.length === 0) return;
  const reason = `${join(config.root, ENV_FILE)} decides by ${names.join(", ")} whose Zoho account this changes, without a question`;
  const value = names.map((name) => [name, config.env[name]]);
  if (await askOnce(context, config.root, { key: "sign-in", value, question: `${reason}. Allow this?` })) return;
  throw usageError(
    reason,
    `${NOT_BY_ITSELF}. If you want it, use --profile, or set ${names.join(", ")} in the environment; or run this in a terminal, which asks once`,
  );
}

/**
 * Before Zoho posts to a tunnel: with an ngrok authtoken of the project, whoever made that may see the records. Where the token
 * of the sign-in is the project's as well, the records belong to the project's own account.
 */
export async function approveProjectTunnel(
  context: Context,
  config: Config,
  profile: string | undefined,
): Promise<void> {
  const { env, variableOrigin } = config;
  const token = variableOrigin("NGROK_AUTHTOKEN") === "environment" ? undefined : env.NGROK_AUTHTOKEN;
  await approveTunnelOf(context, config, profile, token, {
    reason: "NGROK_AUTHTOKEN is from",
    way: "set NGROK_AUTHTOKEN in the environment",
  });
}

/** The same for the tunnel of a running `listen`, which may have been started without the NGROK_AUTHTOKEN of this environment. */
export async function approveListenerTunnel(
  context: Context,
  config: Config,
  profile: string | undefined,
): Promise<void> {
  const { env, root, variableOrigin } = config;
  const token = readEnvFile(join(root, ENV_FILE)).NGROK_AUTHTOKEN;
  const isUsers = variableOrigin("NGROK_AUTHTOKEN") === "environment" && token === env.NGROK_AUTHTOKEN;
  await approveTunnelOf(context, config, profile, isUsers ? undefined : token, {
    reason: "the running listen may use the NGROK_AUTHTOKEN of",
    way: "name the URL with --url",
  });
}

async function approveTunnelOf(
  context: Context,
  config: Config,
  profile: string | undefined,
  token: string | undefined,
  text: { readonly reason: string; readonly way: string },
): Promise<void> {
  const { root, settings } = config;
  if (token === undefined || isProjectToken(config, profile)) return;
  const file = join(root, ENV_FILE);
  const reason = `${text.reason} ${file}: Zoho would post your records to a tunnel whose owner sees the traffic`;
  const value = [token, settings.ngrokServerAddr];
  if (await askOnce(context, root, { key: "ngrok", value, question: `${reason}. Allow this?` })) return;
  throw usageError(reason, `${NOT_BY_ITSELF}. If you want it, ${text.way}; or run this in a terminal, which asks once`);
}

/** Before a secret of the environment becomes that of a channel or webhook, which the owner of the account can read. */
export async function approveSecretAtZoho(
  context: Context,
  config: Config,
  profile: string | undefined,
  chosen: Secret | undefined,
): Promise<void> {
  const { env, root, variableOrigin } = config;
  if (chosen === undefined || variableOrigin(chosen.origin) !== "environment") return;
  if (!isProjectToken(config, profile)) return;
  const { origin } = chosen;
  const reason = `${join(root, ENV_FILE)} decides whose Zoho account this changes, and its owner could read ${origin}, which is from the environment`;
  const value = [env.ZOHO_REFRESH_TOKEN ?? env.ZOHO_ACCESS_TOKEN, origin, chosen.reveal()];
  if (await askOnce(context, root, { key: "secret", value, question: `${reason}. Allow this?` })) return;
  throw usageError(
    reason,
    `${NOT_BY_ITSELF}. If you want it, name the secret with --token-file (webhooks: --secret-file), or the sign-in with --profile; or run this in a terminal, which asks once`,
  );
}
