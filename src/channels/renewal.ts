import { UserError } from "../util/errors.ts";
import { isNotSubscribed, isRejection, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import type { ChannelRequest, WatchClient } from "./api.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { type ChannelAccess, createChannel } from "./create.ts";
import { grantWarning, MINUTE_MS } from "./expiry.ts";
import { type ChannelGrant, isSignInError, wholeConfig } from "./lifecycle.ts";
import { deletedMeanwhile, NotExtended, notLater, shortened } from "./renewal-errors.ts";
import type { WatchResult } from "./replies.ts";

export interface RenewalOptions {
  readonly expiresAt: Date;
  /** `expiresAt` is the latest that the API grants, and not a user's choice. */
  readonly isLatest: boolean;
  /** Called if Zoho's answer is lost, so that these channels may have been renewed or created. */
  readonly onUnanswered: (ids: readonly string[], outcome: string) => void;
}

/** Creates a channel again that was created here and that Zoho does not list. */
export async function recreateChannel(
  access: ChannelAccess,
  id: string,
  { expiresAt, onUnanswered }: RenewalOptions,
): Promise<ChannelGrant> {
  const config = { ...(await wholeConfig(access, id, undefined)), id };
  const { expiresAt: end } = await createChannel(access, config, expiresAt).catch((error: unknown) => {
    if (!isRejection(error)) onUnanswered([id], "created again");
    throw error;
  });
  const note = "Zoho no longer listed it: created again from the saved copy";
  return { type: "created", id, expiresAt: end, note, warning: grantWarning(expiresAt, end, access.now()) };
}

/**
 * Renews listed channels, at most as many as one call takes: the list is read once, and all are written at once. Resolves
 * to an outcome for each, in order; throws if the list cannot be read. A channel that was created here and has expired
 * meanwhile is created again.
 */
export async function renewChannels(
  access: ChannelAccess,
  listed: readonly Channel[],
  options: RenewalOptions,
): Promise<readonly (ChannelGrant | UserError)[]> {
  const { client } = access;
  const ids = listed.map(({ id }) => id);
  // Read again: writing what was listed before the other channels were renewed would undo changes made meanwhile.
  const present = await readAll(client, ids);
  const prepared: Prepared[] = [];
  for (const each of listed) prepared.push(await orError(() => prepare(access, each, present.get(each.id), options)));
  const requests = prepared.filter(isRequest);
  const results = await write(client, requests, options.onUnanswered);
  let readBack: Promise<ReadonlyMap<string, Channel>> | undefined;
  const readEnd = async (id: string): Promise<Date | undefined> => {
    readBack ??= readAll(client, ids);
    return (await readBack).get(id)?.expiresAt;
  };
  const outcomes: (ChannelGrant | UserError)[] = [];
  for (const [i, each] of prepared.entries()) {
    const result = isRequest(each) ? results[requests.indexOf(each)] : undefined;
    if (!isRequest(each)) outcomes.push(each);
    else if (result === undefined) throw new Error("a result for each request was expected");
    else outcomes.push(await orError(() => finish(access, { ...each, listed: listed[i], result, readEnd }, options)));
  }
  return outcomes;
}

/** After this error of one channel, no other can be renewed either. */
export function endsRenewals(error: UserError): boolean {
  return isThrottled(error) || (isSignInError(error) && !OF_ONE_CHANNEL.has(error.code));
}

/** A user may be denied one module and allowed the next. */
const OF_ONE_CHANNEL: ReadonlySet<string> = new Set(["no_permission", "authorization_failed"]);

async function readAll(client: WatchClient, ids: readonly string[]): Promise<ReadonlyMap<string, Channel>> {
  const [only] = ids;
  const found = ids.length === 1 && only !== undefined ? [await client.get(only)] : await client.list();
  return new Map(found.flatMap((channel) => (channel === undefined ? [] : [[channel.id, channel]])));
}

async function orError<T>(work: () => Promise<T>): Promise<T | UserError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

interface Request extends ChannelRequest {
  /** Its present expiry. */
  readonly from: Date | undefined;
}

/** Without a request there is nothing to write. */
type Prepared = Request | ChannelGrant | UserError;

function isRequest(prepared: Prepared): prepared is Request {
  return "config" in prepared;
}

/** Two renewals at the same time request expiries that are seconds apart. */
const SAME_END_MS = 5 * MINUTE_MS;

async function prepare(
  access: ChannelAccess,
  listed: Channel,
  present: Channel | undefined,
  options: RenewalOptions,
): Promise<Request | ChannelGrant> {
  const { id } = listed;
  const { expiresAt, isLatest } = options;
  if (present === undefined) return recreateIfExpired(access, listed, options);
  const config = await wholeConfig(access, id, present);
  const from = present.expiresAt;
  if (from === undefined || expiresAt > from) return { config, expiresAt, from };
  if (isLatest || from.getTime() - expiresAt.getTime() <= SAME_END_MS) return alreadyRenewed(id, from);
  throw notLater(id, from, expiresAt);
}

/** One result for each. If Zoho refuses the request as a whole, perhaps because of one channel, each is tried alone. */
async function write(
  client: WatchClient,
  requests: readonly Request[],
  onUnanswered: RenewalOptions["onUnanswered"],
): Promise<readonly WatchResult[]> {
  if (requests.length === 0) return [];
  const ids = requests.map(({ config }) => config.id);
  const failed = (channelId: string, error: UserError): WatchResult => ({ ok: false, channelId, error });
  try {
    return await client.replace(requests);
  } catch (error) {
    if (!isRejection(error)) onUnanswered(ids, "renewed");
    if (!(error instanceof UserError)) throw error;
    const isRefusal = error instanceof ZohoApiError && isRejection(error) && !endsRenewals(error);
    if (requests.length === 1 || !isRefusal) return ids.map((id) => failed(id, error));
  }
  const results: WatchResult[] = [];
  let ending: UserError | undefined;
  for (const each of requests) {
    const found = ending === undefined ? await write(client, [each], onUnanswered) : [failed(each.config.id, ending)];
    results.push(...found);
    for (const result of found) if (!result.ok && endsRenewals(result.error)) ending = result.error;
  }
  return results;
}

async function finish(
  access: ChannelAccess,
  {
    config,
    from,
    listed,
    result,
    readEnd,
  }: Request & {
    readonly listed: Channel | undefined;
    readonly result: WatchResult;
    readonly readEnd: (id: string) => Promise<Date | undefined>;
  },
  options: RenewalOptions,
): Promise<ChannelGrant> {
  const { client, memory, now } = access;
  const { expiresAt } = options;
  const { id } = config;
  if (!result.ok) {
    if (isNotSubscribed(result.error)) return recreateIfExpired(access, { id, expiresAt: listed?.expiresAt }, options);
    throw result.error;
  }
  const end =
    result.expiresAt ??
    (await readEnd(id).catch((error: unknown) => {
      options.onUnanswered([id], "renewed");
      throw error;
    }));
  if (end !== undefined && from !== undefined && end <= from) {
    if (expiresAt.getTime() - end.getTime() <= SAME_END_MS) return alreadyRenewed(id, end);
    if (end < from) {
      const isPutBack = await putBack(client, config, from);
      throw shortened({ id, from, end, now: now(), isPutBack });
    }
  }
  if (end === undefined || (from !== undefined && end <= from)) throw new NotExtended(id, from, end, now());
  await memory.observe([{ id, expiresAt: end, token: config.token }], now(), id);
  return { type: "renewed", id, from, expiresAt: end, warning: grantWarning(expiresAt, end, now()) };
}

async function recreateIfExpired(
  access: ChannelAccess,
  { id, expiresAt }: Pick<Channel, "id" | "expiresAt">,
  options: RenewalOptions,
): Promise<ChannelGrant> {
  const { memory, now } = access;
  await memory.observe([], now(), id);
  const isExpired = expiresAt !== undefined && expiresAt <= now();
  if (isExpired && (await memory.recall(id)) !== undefined) return recreateChannel(access, id, options);
  throw deletedMeanwhile(access, id);
}

function alreadyRenewed(id: string, end: Date): ChannelGrant {
  return { type: "renewed", id, expiresAt: end, note: "it had already been renewed", warning: undefined };
}

/** Restores a channel's previous expiry. False unless Zoho confirms it. */
async function putBack(client: WatchClient, config: ChannelConfig, expiresAt: Date): Promise<boolean> {
  const [result] = await client.replace([{ config, expiresAt }]).catch(() => []);
  return result?.ok === true && result.expiresAt !== undefined && result.expiresAt >= expiresAt;
}
