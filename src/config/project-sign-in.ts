import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import type { Secret } from "../body/secret.ts";
import { type Source, USER } from "../body/source.ts";
import type { Context } from "../context.ts";
import { isAbove } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import { approve, approveSending, hasAnswer, hasApproved, requireYes } from "./approvals.ts";
import { ENV_FILE } from "./environment.ts";
import { type Config, isProjectLog, logFile, logName, userFolderSource } from "./load.ts";

/** Variables that choose the account at Zoho, or one of the user's sign-ins. */
const SIGN_IN = /^ZOHO_(?:CLIENT_ID|CLIENT_SECRET|REFRESH_TOKEN|ACCESS_TOKEN|DC|ENVIRONMENT|PROFILE)$/;

/** Those that choose the account by themselves. */
const CHOOSES_ACCOUNT = /_(?:PROFILE|REFRESH_TOKEN|ACCESS_TOKEN)$/;

/** What decides the sign-in. */
export type SignInConfig = Pick<Config, "env" | "root" | "sourceOf">;

type Variable = readonly [name: string, value: string | undefined];

/** The sign-in variables of the project's `.env`. A profile of the command line precedes all of them. */
export function projectSignIn({ env, sourceOf }: Config, profile: string | undefined): readonly Variable[] {
  if (profile !== undefined) return [];
  const set = Object.entries(env).filter(([name]) => SIGN_IN.test(name) && sourceOf(name) !== USER);
  const only = (names: RegExp) => set.filter(([name]) => names.test(name)).toSorted();
  // The others have no effect.
  if (env.ZOHO_PROFILE?.trim()) return only(/_PROFILE$/);
  if (env.ZOHO_REFRESH_TOKEN !== undefined) return only(/_(?:CLIENT_ID|CLIENT_SECRET|REFRESH_TOKEN|DC|ENVIRONMENT)$/);
  return env.ZOHO_ACCESS_TOKEN === undefined ? [] : only(/_(?:ACCESS_TOKEN|DC|ENVIRONMENT)$/);
}

/**
 * The source of the token of the sign-in, which selects the account: the owner of the account can read what is sent there, and
 * owns the records. A refresh token takes precedence over an access token.
 */
export function signInSource(
  context: Context,
  { env, root, sourceOf }: SignInConfig,
  profile: string | undefined,
): Source {
  const token = env.ZOHO_REFRESH_TOKEN === undefined ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
  const isStored = (profile ?? env.ZOHO_PROFILE?.trim()) || env[token] === undefined;
  return isStored ? userFolderSource(context, root) : sourceOf(token);
}

/** Reports whose account a command changes, where the project's `.env` decides it, or a user's folder in the project. */
export function reportProjectSignIn(context: Context, config: Config, profile: string | undefined): void {
  const set = projectSignIn(config, profile);
  const source = signInSource(context, config, profile);
  if (set.length === 0 && source !== USER) {
    const message = `${source}, which is in the project, decides whose Zoho account this changes`;
    context.report({ type: "notice", message });
  }
  if (set.length === 0) return;
  const what = set.some(([name]) => CHOOSES_ACCOUNT.test(name))
    ? "whose Zoho account this changes"
    : "how this signs in";
  const message = `${join(config.root, ENV_FILE)} decides ${what}: ${shown(set)}`;
  context.report({ type: "notice", message });
}

/** Which Zoho account is used, and what has chosen it. `name`: that of the sign-in. `profile`: the flag. */
export function chosenAccount(
  context: Context,
  config: Config,
  { name, profile }: { readonly name: string; readonly profile: string | undefined },
): string {
  const set = projectSignIn(config, profile);
  const file = join(config.root, ENV_FILE);
  if (set.some(([name]) => CHOOSES_ACCOUNT.test(name))) return `the Zoho account that ${file} chooses by ${shown(set)}`;
  const source = signInSource(context, config, profile);
  const variable = config.env.ZOHO_PROFILE?.trim() ? "ZOHO_PROFILE" : undefined;
  const by = profile === undefined ? (variable ?? "the current one") : "--profile";
  const of = name === "environment" ? "the environment's variables" : `profile ${name} (${by})`;
  const more = set.length === 0 ? "" : `, with ${shown(set)} of ${file}`;
  return `the Zoho account of ${of}${source === USER ? "" : ` in ${source}`}${more}`;
}

function shown(set: readonly Variable[]): string {
  const texts = set.map(([name, value = ""]) => (/SECRET|TOKEN/.test(name) ? name : `${name}=${oneLine(value)}`));
  return texts.join(", ");
}

/**
 * Before something is deleted at Zoho, or a sign-in ended or replaced, without a question. Approvals are stored by `key`, one for
 * each effect.
 */
export async function approveProjectSignIn(
  context: Context,
  config: Config,
  profile: string | undefined,
  {
    key = "sign-in",
    effect = "whose Zoho account this changes, without a question",
    value = projectSignIn(config, profile),
  } = {},
): Promise<void> {
  const names = value.map(([name]) => name).join(", ");
  if (value.length === 0) return;
  const reason = `${join(config.root, ENV_FILE)} decides by ${shown(value)} ${effect}`;
  const way = `use --profile, or set ${names} in the environment`;
  await requireYes(context, config.root, { key, value, reason, way });
}

/** Before Zoho posts the records of an account to a tunnel: the owner of its authtoken sees the traffic. */
export async function approveTunnel(
  context: Context,
  config: Config,
  profile: string | undefined,
  { source, origin, reveal }: Secret,
  { reason = `${origin} is from ${source}`, way = "set NGROK_AUTHTOKEN in the environment" } = {},
): Promise<void> {
  await approveSending(context, config.root, signInSource(context, config, profile), { source }, () => ({
    key: "ngrok",
    value: [reveal(), config.settings.ngrokServerAddr, ...projectSignIn(config, profile)],
    reason: `${reason}: Zoho would post your records to a tunnel whose owner sees the traffic`,
    way,
  }));
}

/**
 * Remembers in the user's folder who has named the tunnel of a `listen`: the log, which the URL is read from, may be replaced
 * while that runs, and so may the `.env` and the config file.
 */
export async function rememberTunnel(context: Context, config: Config, url: string, source: Source): Promise<void> {
  const { root, about } = openedTunnel(config, url, source);
  await approve(context, root, about).catch(() => undefined);
}

/**
 * Before Zoho posts the records of an account to the URL of a running `listen`, whatever the project's files say now. The log of
 * a project has to agree with what that `listen` has remembered; one that other projects use has no URL by a project's tunnel.
 */
export async function approveOpenedTunnel(
  context: Context,
  config: Config,
  profile: string | undefined,
  url: string,
  tunnel = signInSource(context, config, profile),
): Promise<void> {
  const { root, about } = openedTunnel(config, url, tunnel);
  const ofUser = openedTunnel(config, url, USER).about;
  if (await hasApproved(context, root, ofUser)) return;
  if (!isProjectLog(config) && !(await hasAnswer(context, root, about.key))) return;
  const reason = `only this project says that its running listen is at ${url}: Zoho would post your records there`;
  await requireYes(context, root, { ...about, reason, way: "name the URL with --url" });
}

function openedTunnel(config: Config, url: string, source: Source) {
  const file = logFile(config);
  const root = file !== undefined && isAbove(config.root, file) ? dirname(file) : config.root;
  return { root, about: { key: `tunnel of ${basename(file ?? logName(config))}`, value: [url, source] } };
}

/** Call before a secret is used for a channel or webhook: the owner of the account can read it there. */
export async function approveSecretAtZoho(
  context: Context,
  config: SignInConfig,
  profile: string | undefined,
  { source, origin, reveal }: Secret,
  way = "name the secret with --token-file (webhooks: --secret-file), or the sign-in with --profile",
): Promise<void> {
  const account = signInSource(context, config, profile);
  await approveSending(context, config.root, source, { source: account }, () => ({
    ...secretAt(config, reveal()),
    reason: `${account} decides whose Zoho account this changes, and its owner could read ${origin}, which is not from there`,
    way,
  }));
}

/**
 * Before the receivers of a log share a channel: all of them believe its token, which the owner of the account can read, and
 * whoever has chosen it knows.
 */
export async function approveSharedChannel(
  context: Context,
  config: Config,
  profile: string | undefined,
  token: Secret | undefined,
): Promise<void> {
  const { env, root, settings } = config;
  for (const source of new Set([signInSource(context, config, profile), token?.source ?? USER]))
    await approveSending(context, root, USER, { source }, () => ({
      key: `shared channel ${source}`,
      value: [settings.store, env.ZOHO_REFRESH_TOKEN ?? env.ZOHO_ACCESS_TOKEN, token?.reveal()],
      reason: `all receivers on this log believe the channel's token, and by ${source} others may know it`,
      way: "name the sign-in with --profile and the token with --token-file, or set both in the environment",
    }));
}

/** A new secret, which the account has just been given: nothing is asked about it from now on. */
export async function approveNewSecret(context: Context, config: Config, value: string): Promise<void> {
  await approve(context, config.root, secretAt(config, value)).catch(() => undefined);
}

function secretAt({ env }: SignInConfig, value: string) {
  const key = `secret ${createHash("sha256").update(value).digest("hex").slice(0, 16)}`;
  return { key, value: [env.ZOHO_REFRESH_TOKEN ?? env.ZOHO_ACCESS_TOKEN, value] };
}
