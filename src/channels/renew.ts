import { ExitCode, UserError } from "../util/errors.ts";
import { isNotSubscribed, isRejection, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import { zohoTime } from "../zoho-api/time.ts";
import { type Channel, type ChannelConfig, configOf } from "./channel.ts";
import { type ChannelRequest, type Grant, requireSuccess, type WatchClient } from "./client.ts";
import { goneReason, grantWarning, hasExpired, MINUTE_MS } from "./expiry.ts";
import type { ChannelMemory, MissingChannel } from "./memory.ts";

/*
 * How a channel is renewed, whoever renews it: `channels renew`, `channels renew --every` or `listen`.
 *
 * 1. It is written as a whole with a later expiry (PUT). Many go in one call; if Zoho refuses the call, each goes alone.
 * 2. If Zoho refuses it, or accepts it without a later expiry, it is written again by a POST, with which Zoho's
 *    own guide renews channels: https://help.zoho.com/portal/en/community/topic/kaizen-170-faqs-on-notification-apis
 * 3. If its expiry is now earlier than before, the earlier one is restored and the renewal has failed: Zoho silently cuts
 *    an expiry that is too far away to one hour, and would cut that of another request as well.
 * 4. If it is gone after its expiry, it has expired, and is created again. If it is gone earlier, something else deleted
 *    it, and it stays so; only `listen` creates its own channel again.
 */

/** What a renewal reads and writes. */
export interface RenewalAccess {
  readonly client: WatchClient;
  readonly memory: Pick<ChannelMemory, "recall" | "observe">;
  readonly now: () => Date;
  /** A command to copy, for hints. */
  readonly command: (words: string) => string;
}

/** A channel as it was last seen. */
export interface KnownChannel {
  readonly id: string;
  /** Undefined if it does not exist, and is to be created. */
  readonly expiresAt?: Date;
  /** As Zoho listed it. */
  readonly listed?: Channel;
  /** Set for one that was created here and that Zoho no longer lists. */
  readonly missing?: MissingChannel;
  /** For the time when neither Zoho nor the memory has its configuration. */
  readonly config?: ChannelConfig;
  /** If the memory no longer has it, it was deleted here. */
  readonly isRemembered?: boolean;
}

export interface RenewalOptions {
  /** The expiry to request. */
  readonly end: () => Date;
  /** The expiry is the latest that the API grants, not a user's choice. */
  readonly isLatest?: boolean;
  /** A running `listen` owns the channel. */
  readonly isOwned?: boolean;
  /** Called if Zoho's answer is lost, so that these channels may have been renewed or created. */
  readonly onUnanswered?: (ids: readonly string[], outcome: string) => void;
  /** Called if the channel is gone, before it is created again. */
  readonly onLost?: (error: UserError) => void;
}

export function asListed(channel: Channel): KnownChannel {
  return { id: channel.id, expiresAt: channel.expiresAt, listed: channel };
}

/** False for a channel that somebody deleted elsewhere: only who names it wants it again. */
export function isRenewedUnasked({ missing }: KnownChannel): boolean {
  return missing === undefined || missing.because === "expired";
}

/** A channel that now expires later, or exists again. */
export interface ChannelGrant {
  readonly type: "created" | "renewed";
  readonly id: string;
  /** Its previous expiry. */
  readonly from?: Date;
  readonly expiresAt: Date;
  readonly note?: string;
  /** Zoho granted another expiry than requested. */
  readonly warning?: string;
}

type RenewalOutcome = ChannelGrant | UserError;

/** A channel to write: it was read, and its new expiry is later. */
interface Renewal {
  readonly config: ChannelConfig;
  /** Its present expiry; undefined if Zoho does not say. */
  readonly from?: Date;
  /** It is to be created. */
  readonly isGone?: boolean;
}

/** Two renewals at the same time request expiries that are seconds apart. */
const SAME_END_MS = 5 * MINUTE_MS;

/** Renews channels. Resolves to an outcome for each, in order. */
export async function renewChannels(
  access: RenewalAccess,
  channels: readonly KnownChannel[],
  options: RenewalOptions,
): Promise<readonly RenewalOutcome[]> {
  const prepared = await prepareRenewals(access, channels, options);
  const written = [...(await writeRenewals(access, prepared.filter(isRenewal), options))];
  return prepared.flatMap((each) => (isRenewal(each) ? written.splice(0, 1) : [each]));
}

/** Reads the channels again: writing what was read earlier would undo changes made meanwhile. Writes nothing. */
export async function prepareRenewals(
  access: RenewalAccess,
  channels: readonly KnownChannel[],
  options: RenewalOptions,
): Promise<readonly (Renewal | RenewalOutcome)[]> {
  const ids = channels.map(({ id }) => id);
  const present = await orError(() => readAll(access.client, ids));
  if (present instanceof UserError) return channels.map(() => present);
  const prepared: (Renewal | RenewalOutcome)[] = [];
  for (const each of channels) prepared.push(await orError(() => prepare(access, each, present.get(each.id), options)));
  return prepared;
}

async function prepare(
  access: RenewalAccess,
  known: KnownChannel,
  present: Channel | undefined,
  { end, isLatest }: RenewalOptions,
): Promise<Renewal | ChannelGrant> {
  const { id, expiresAt, isRemembered } = known;
  if (present === undefined) {
    if (isRemembered && (await access.memory.recall(id)) === undefined) throw new DeletedChannel(access, id, "here");
    await requireExpired(access, id, expiresAt);
  }
  const config = await wholeConfig(access, id, present, known.config);
  if (present === undefined) return { config, from: expiresAt, isGone: expiresAt === undefined };
  const from = present.expiresAt;
  const requested = end();
  if (from === undefined || requested > from) return { config, from };
  if (isLatest || from.getTime() - requested.getTime() <= SAME_END_MS) return alreadyRenewed(id, from);
  throw new UserError(
    "zohoApi",
    `the new expiry of channel ${id} is not later than the current one (${zohoTime(from)} → ${zohoTime(requested)}); nothing was changed`,
    `give a later --expires; channels create with --id ${id} sets an earlier one`,
    "not_renewed",
  );
}

/** Throws if a channel that is gone had not expired: then something else deleted it. */
async function requireExpired(access: RenewalAccess, id: string, expiresAt: Date | undefined): Promise<void> {
  const { memory, now } = access;
  if (expiresAt === undefined || hasExpired(expiresAt, now())) return;
  await memory.observe([], now(), id);
  throw new DeletedChannel(access, id, "elsewhere");
}

/** The whole configuration of a channel: as listed, with what a list leaves out as it was created here. */
export async function wholeConfig(
  { client, command, memory }: RenewalAccess,
  id: string,
  channel: Channel | undefined,
  otherwise?: ChannelConfig,
): Promise<ChannelConfig> {
  const remembered = await memory.recall(id);
  const listed = channel && configOf(channel);
  if (listed !== undefined)
    return { ...listed, related: listed.related ?? remembered?.related, values: listed.values ?? remembered?.values };
  const known = remembered ?? otherwise;
  if (known !== undefined) return known;
  const { title } = client.product;
  const unknown = channel?.isUnread ? "is in a form that zoho-hooks cannot read" : "is listed without its URL";
  throw new UserError(
    "zohoApi",
    channel === undefined
      ? `${title} does not list channel ${id}, and this machine has no copy of it: it was created elsewhere, or deleted`
      : `channel ${id} of ${title} ${unknown}, and this machine has no copy of it: it was created elsewhere`,
    `create it again: ${command("create")}`,
    "not_subscribed",
  );
}

/** Writes channels with a later expiry, and checks what Zoho grants. */
export async function writeRenewals(
  access: RenewalAccess,
  renewals: readonly Renewal[],
  options: RenewalOptions,
): Promise<readonly RenewalOutcome[]> {
  return new RenewalRun(access, renewals, options).run();
}

type WriteResult = Grant | UserError;

/** Writes the channels that exist in one call, and then settles each channel in order, which may take further calls. */
class RenewalRun {
  readonly #access: RenewalAccess;
  readonly #renewals: readonly Renewal[];
  readonly #options: RenewalOptions;
  /** The expiry that the first call requests. */
  readonly #requested: Date;
  /** Set once no other channel can be renewed: no further write is sent. */
  #ending: UserError | undefined;
  /** Read only if an answer leaves an expiry out, and once for all channels. */
  #list: ReturnType<typeof readAll> | undefined;

  constructor(access: RenewalAccess, renewals: readonly Renewal[], options: RenewalOptions) {
    this.#access = access;
    this.#renewals = renewals;
    this.#options = options;
    this.#requested = options.end();
  }

  async run(): Promise<readonly RenewalOutcome[]> {
    const existing = this.#renewals.filter(({ isGone }) => !isGone);
    const results = await this.#replaceAll(existing);
    const outcomes: RenewalOutcome[] = [];
    for (const renewal of this.#renewals) {
      const result = results[existing.indexOf(renewal)];
      const outcome = await orError(() =>
        result === undefined ? this.#create(renewal) : this.#settle(renewal, result),
      );
      this.#noteEnding(outcome);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async #replaceAll(renewals: readonly Renewal[]): Promise<readonly WriteResult[]> {
    if (renewals.length === 0) return [];
    const requests = renewals.map(({ config }) => ({ config, expiresAt: this.#requested }));
    const results = await this.#send("replace", requests, "renewed");
    if (!isRefusedAsOne(results)) return results;
    // Zoho refused the call, perhaps because of one channel: each is tried alone.
    const alone: WriteResult[] = [];
    for (const each of requests)
      alone.push(...(this.#ending === undefined ? await this.#send("replace", [each], "renewed") : [this.#ending]));
    return alone;
  }

  /** A call that fails is the result of all its channels. */
  async #send(
    method: "replace" | "create",
    requests: readonly ChannelRequest[],
    outcome: string,
  ): Promise<readonly WriteResult[]> {
    try {
      const results = await this.#access.client[method](requests);
      for (const each of results) this.#noteEnding(each);
      return results;
    } catch (error) {
      const ids = requests.map(({ config }) => config.id);
      if (!isRejection(error)) this.#options.onUnanswered?.(ids, outcome);
      if (!(error instanceof UserError)) throw error;
      this.#noteEnding(error);
      return requests.map(() => error);
    }
  }

  #noteEnding(outcome: unknown): void {
    if (endsRenewals(outcome)) this.#ending ??= outcome;
  }

  /** Checks the result of the PUT. */
  #settle(renewal: Renewal, result: WriteResult): Promise<ChannelGrant> {
    return result instanceof UserError ? this.#settleRefused(renewal, result) : this.#settleAccepted(renewal, result);
  }

  async #settleRefused(renewal: Renewal, error: UserError): Promise<ChannelGrant> {
    if (isNotSubscribed(error)) {
      const { isOwned, onLost } = this.#options;
      const { config, from } = renewal;
      if (!isOwned) await requireExpired(this.#access, config.id, from);
      onLost?.(new UserError("zohoApi", goneReason(from, this.#access.now()), undefined, error.code));
      return this.#create({ ...renewal, isGone: true });
    }
    if (!isRejection(error) || error.exitCode === ExitCode.credentials || isThrottled(error)) throw error;
    return this.#create(renewal, error);
  }

  async #settleAccepted(renewal: Renewal, granted: Grant): Promise<ChannelGrant> {
    const { client, now } = this.#access;
    const { config, from } = renewal;
    const later = granted.expiresAt ?? (await this.#readEnd(config.id));
    if (later === undefined) throw notExtended(config.id, from, later, now());
    if (from === undefined || later > from) return this.#granted(config, { type: "renewed", from, expiresAt: later });
    if (this.#requested.getTime() - later.getTime() <= SAME_END_MS) return alreadyRenewed(config.id, later);
    if (later < from) throw await restoreEnd(client, config, from, later, now());
    return this.#create(renewal);
  }

  /** Writes a channel by a POST. `refusal`: the error of its PUT, which is reported if the POST is refused as well. */
  async #create({ config, from, isGone }: Renewal, refusal?: UserError): Promise<ChannelGrant> {
    if (this.#ending !== undefined) throw this.#ending;
    const { now } = this.#access;
    // The end is computed again: the answer may have shown that the clock is off.
    const request = { config, expiresAt: this.#options.end() };
    const [created] = await this.#send("create", [request], isGone ? "created again" : "renewed");
    if (refusal !== undefined && created instanceof UserError && !endsRenewals(created)) throw refusal;
    const later = requireSuccess<Grant>(created ? [created] : []).expiresAt ?? (await this.#readEnd(config.id));
    const before = isGone ? now() : from;
    if (later === undefined || (before && later <= before)) throw notExtended(config.id, from, later, now());
    return this.#granted(
      config,
      isGone ? { type: "created", expiresAt: later } : { type: "renewed", from, expiresAt: later },
    );
  }

  /** The expiry of a channel as Zoho lists it. */
  async #readEnd(id: string): Promise<Date | undefined> {
    const ids = this.#renewals.map(({ config }) => config.id);
    this.#list ??= readAll(this.#access.client, ids);
    const listed = await this.#list.catch((error: unknown) => {
      this.#options.onUnanswered?.([id], "renewed");
      throw error;
    });
    return listed.get(id)?.expiresAt;
  }

  async #granted({ id, token }: ChannelConfig, grant: Omit<ChannelGrant, "id">): Promise<ChannelGrant> {
    const { memory, now } = this.#access;
    // What cannot be remembered was renewed nevertheless.
    await memory.observe([{ id, expiresAt: grant.expiresAt, token }], now(), id).catch(() => undefined);
    return { id, warning: grantWarning(this.#options.end(), grant.expiresAt, now()), ...grant };
  }
}

/** Zoho refused the whole call, whose error all its channels have. */
function isRefusedAsOne(results: readonly WriteResult[]): boolean {
  const [first] = results;
  return (
    first instanceof ZohoApiError && isRejection(first) && results.length > 1 && results.every((each) => each === first)
  );
}

/** After this error of one channel, no other can be renewed either. */
export function endsRenewals(outcome: unknown): outcome is UserError {
  return isThrottled(outcome) || (isSignInError(outcome) && !OF_ONE_CHANNEL.has(outcome.code));
}

/** A user may be denied one module and allowed the next. */
const OF_ONE_CHANNEL: ReadonlySet<string> = new Set(["no_permission", "authorization_failed"]);

/** A failure of the sign-in that waiting does not repair, since this run keeps the sign-in that it started with. */
export function isSignInError(error: unknown): error is UserError {
  return error instanceof UserError && error.exitCode === ExitCode.credentials && error.code !== "token_throttled";
}

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

export function isRenewal(prepared: Renewal | RenewalOutcome): prepared is Renewal {
  return "config" in prepared;
}

function alreadyRenewed(id: string, expiresAt: Date): ChannelGrant {
  return { type: "renewed", id, expiresAt, note: "it had already been renewed" };
}

/** The channel was deleted before it could be renewed. */
export class DeletedChannel extends UserError {
  readonly where: "here" | "elsewhere";

  constructor({ command }: RenewalAccess, id: string, where: "here" | "elsewhere") {
    super(
      "zohoApi",
      `channel ${id} was deleted before it could be renewed, so it was not created again`,
      `if it was created here, create it again with ${command(`renew ${id}`)}`,
      "deleted",
    );
    this.where = where;
  }
}

/** Zoho accepted a renewal, but the channel does not expire later. */
export class NotExtended extends UserError {
  /** Its expiry, as far as Zoho says. */
  readonly end: Date | undefined;

  constructor(message: string, hint: string, end: Date | undefined) {
    super("zohoApi", message, hint, "not_renewed");
    this.end = end;
  }
}

function notExtended(id: string, from: Date | undefined, end: Date | undefined, now: Date): NotExtended {
  const accepted = `Zoho accepted the renewal of channel ${id} but`;
  if (end === undefined) return new NotExtended(`${accepted} does not say when it expires`, "see channels list", end);
  if (end <= now) {
    return new NotExtended(
      `channel ${id} expires at ${zohoTime(end)}, but this machine's clock says ${zohoTime(now)}`,
      "correct the clock: if it is ahead, zoho-hooks requests more time than Zoho allows, and Zoho grants only an hour",
      end,
    );
  }
  return new NotExtended(
    `${accepted} did not extend it (${from ? zohoTime(from) : "unknown"} → ${zohoTime(end)})`,
    "delete the channel and create it again: channels delete, then channels create",
    end,
  );
}

/** Writes the expiry that a channel had before Zoho shortened it. Resolves to the error of the renewal. */
async function restoreEnd(
  client: WatchClient,
  config: ChannelConfig,
  from: Date,
  end: Date,
  now: Date,
): Promise<NotExtended> {
  const [result] = await client.replace([{ config, expiresAt: from }]).catch(() => []);
  const restored = result instanceof UserError ? undefined : result?.expiresAt;
  const isRestored = restored !== undefined && restored >= from;
  return new NotExtended(
    `Zoho shortened channel ${config.id} (${zohoTime(from)} → ${zohoTime(end)}); its previous expiry ${isRestored ? "was" : "could not be"} restored`,
    `this machine's clock says ${zohoTime(now)}: if it is ahead, correct it, then renew again${isRestored ? "" : " at once"}`,
    isRestored ? from : end,
  );
}
