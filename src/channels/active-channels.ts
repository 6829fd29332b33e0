import { maskUrl } from "../delivery/mask.ts";
import { overrideContext } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { type SignIn, signInAgain } from "../zoho-api/sign-in.ts";
import { zohoTime } from "../zoho-api/time.ts";
import type { Channel } from "./channel.ts";
import { deleteChannels } from "./delete.ts";
import type { ChannelContext } from "./lines.ts";
import { channelMemory, isActive } from "./memory.ts";
import { withZoho } from "./session.ts";
import { findWatchProduct, type WatchProduct, watchProductIds } from "./watch-products.ts";

/** The channels of a profile and product that post until they expire, although nobody is signed in any more. */
export interface ActiveChannels {
  readonly product: WatchProduct;
  /** Created or changed on this machine. */
  readonly ours: readonly Pick<Channel, "id" | "notifyUrl" | "expiresAt">[];
  /** How many others Zoho lists for the same user. */
  readonly others: number;
}

/** Bounds the wait for Zoho's lists. */
const LIST_TIMEOUT_MS = 10_000;

/**
 * Finds active channels in Zoho's lists, and without an answer in what this machine remembers. `signIn` undefined: Zoho is
 * not asked. Products without a channel are left out.
 */
export async function findActiveChannels(
  context: ChannelContext,
  config: Config,
  profile: string,
  signIn: SignIn | undefined,
): Promise<readonly ActiveChannels[]> {
  const limit = AbortSignal.any([context.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
  const found: ActiveChannels[] = [];
  for (const id of watchProductIds) {
    const product = findWatchProduct(id);
    const remembered = await channelMemory(context.userFolder, { profile, product: id }, context.now).all();
    const mayList = product.loginScopes.some((scope) => signIn?.scopes.includes(scope));
    const listed = mayList ? await listChannels(context, config, { profile, product: id }, limit) : undefined;
    context.signal.throwIfAborted();
    const ours =
      listed?.filter((channel) => remembered.some((own) => own.id === channel.id)) ??
      remembered.filter((own) => isActive(own, context.now()));
    const others = (listed?.length ?? ours.length) - ours.length;
    if (ours.length + others > 0) found.push({ product, ours, others });
  }
  return found;
}

/** Undefined if Zoho gives no list: the sign-in may be the reason to sign out. */
async function listChannels(
  context: ChannelContext,
  config: Config,
  options: { readonly profile: string; readonly product: string },
  signal: AbortSignal,
): Promise<readonly Channel[] | undefined> {
  // The command itself has reported what the configuration has to say.
  const report: ChannelContext["report"] = (each) => void (each.type === "api_request" && context.report(each));
  try {
    return await withZoho(overrideContext(context, { report, signal }), config, options, ({ client }) => client.list());
  } catch (error) {
    if (!(error instanceof UserError) && !signal.aborted) throw error;
    return undefined;
  }
}

/** Deletes those of this machine. Exits with 7 unless all are gone. */
export async function deleteActiveChannels(
  context: ChannelContext,
  config: Config,
  profile: string,
  active: readonly ActiveChannels[],
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  for (const { product, ours } of active) {
    const ids = ours.map(({ id }) => id);
    if (ids.length === 0) continue;
    const options = { profile, product: product.id };
    const code = await withZoho(context, config, options, (session) => deleteChannels(context, session, ids));
    if (code !== ExitCode.ok) exitCode = code;
  }
  return exitCode;
}

/** `crm 1, 2; bigin 3` */
export function activeIds(active: readonly ActiveChannels[]): string {
  return active
    .flatMap(({ product, ours }) => (ours.length === 0 ? [] : `${product.id} ${ours.map(({ id }) => id).join(", ")}`))
    .join("; ");
}

/** Warns of what goes on posting, with the commands that end it. */
export function warnOfActiveChannels(
  context: ChannelContext,
  { profile, signIn }: { readonly profile: string; readonly signIn: SignIn | undefined },
  active: readonly ActiveChannels[],
): void {
  for (const { product, ours, others } of active) {
    const { id: productId, title } = product;
    const flags = `--product ${productId} --profile ${shellQuoted(profile)}`;
    const login = signIn && signInAgain(signIn, { product: productId, scope: undefined }).how;
    if (ours.length > 0) {
      const facts = ours.map(({ id, notifyUrl, expiresAt }) => {
        const until = expiresAt === undefined ? "" : `, until ${zohoTime(expiresAt)}`;
        return `${id} (${oneLine(maskUrl(notifyUrl ?? "URL not known"))}${until})`;
      });
      const ids = ours.map(({ id }) => id).join(" ");
      context.report({
        type: "warning",
        message: `${counted(ours.length, `${title} channel`)} created here can still post: ${facts.join("; ")}`,
        hint: `to delete: ${login ?? `zoho-hooks login ${flags}`}, then ${context.invocation} channels delete ${ids} ${flags}`,
      });
    }
    const message = `${counted(others, `${title} channel`)} of this user created elsewhere can still post`;
    if (others > 0) context.report({ type: "notice", message });
  }
}
