import { type Channel, modulesOf } from "../channels/channel.ts";
import { fieldsOf } from "../channels/conditions.ts";
import { expandEvents } from "../channels/events.ts";
import type { RememberedChannel } from "../channels/memory.ts";
import type { RecordChange } from "../channels/missed.ts";
import type { ZohoSession } from "../channels/session.ts";
import { usageError } from "../util/errors.ts";

/** A channel of the project, and what it watches. */
export interface WatchedChannel {
  readonly id: string;
  readonly notifyUrl: string;
  readonly token: string | undefined;
  /** Each with its own verb: `Leads.create`. */
  readonly events: readonly string[];
  /** Modules of which only edits of some fields are notified. */
  readonly conditional: readonly string[];
  /** Undefined: always, as far as this machine knows. */
  readonly from: Date | undefined;
  readonly until: Date | undefined;
  readonly isListed: boolean;
}

const VERBS = { insert: "create", update: "edit", delete: "delete" } as const;
const SECOND_MS = 1_000;

/**
 * The channels whose notifications this project receives: those that were created on this machine, except by a `listen` of
 * another project, and those that Zoho lists with the project's token. One that has expired counts, since that is how changes are
 * missed. Listed ones come first. Throws a UserError where there is none.
 */
export async function watchedChannels(session: ZohoSession): Promise<readonly WatchedChannel[]> {
  const { client, memory, account, config, product, command } = session;
  const { listed } = await client.read();
  const remembered = (await memory.all()).filter(
    (each) => (each.account === undefined || each.account === account) && !isOfOtherProject(each, config.root),
  );
  const tokens = config.secrets.for("token", product.id).map(({ reveal }) => reveal());
  const unknown = listed.filter(
    ({ id, token }) => token !== undefined && tokens.includes(token) && !remembered.some((each) => each.id === id),
  );
  const watched = [
    ...remembered.map((each) => {
      const found = listed.find(({ id }) => id === each.id);
      const until = found ? undefined : successor(each, remembered);
      return watchedChannel({ ...each, ...known(found) }, { until, isListed: found !== undefined });
    }),
    ...unknown.flatMap((each) =>
      each.notifyUrl === undefined
        ? []
        : [watchedChannel({ ...each, notifyUrl: each.notifyUrl }, { until: undefined, isListed: true })],
    ),
  ];
  if (watched.length > 0) return watched.sort((a, b) => Number(b.isListed) - Number(a.isListed));
  throw usageError(
    `this project has no ${product.title} channel, so nothing can have been missed`,
    `one that was created elsewhere counts if its token is the project's (ZOHO_WEBHOOK_TOKEN); see ${command("list")}`,
  );
}

/** The channel that watches for a change without condition, else one with; undefined where none does. */
export function watcherOf(
  change: RecordChange,
  channels: readonly WatchedChannel[],
): { readonly channel: WatchedChannel; readonly isConditional: boolean } | undefined {
  const { module, operation, at } = change;
  const watching = channels
    .filter(
      (channel) =>
        channel.events.includes(eventOf(change)) &&
        hasBegun(channel, at) &&
        (channel.until === undefined || at < channel.until) &&
        !isReplaced(channel, change, channels),
    )
    .map((channel) => ({ channel, isConditional: operation === "update" && channel.conditional.includes(module) }));
  return watching.find(({ isConditional }) => !isConditional) ?? watching[0];
}

/**
 * The channel whose id, token and URL a reconstructed notification carries: one that Zoho lists, even if it was created after the
 * change, because the app checks the token of that one.
 */
export function delivererOf(change: RecordChange, channels: readonly WatchedChannel[]): WatchedChannel {
  const watcher = watcherOf(change, channels)?.channel;
  if (watcher === undefined) throw new Error("a channel watches every missed change");
  if (watcher.isListed) return watcher;
  return channels.find(({ isListed, events }) => isListed && events.includes(eventOf(change))) ?? watcher;
}

function eventOf({ module, operation }: RecordChange): string {
  return `${module}.${VERBS[operation]}`;
}

/** Zoho's times have whole seconds. */
function hasBegun({ from }: WatchedChannel, at: Date): boolean {
  return from === undefined || at.getTime() >= Math.floor(from.getTime() / SECOND_MS) * SECOND_MS;
}

/** A channel that Zoho no longer lists watches until a later one of the same module does, which Zoho lists. */
function isReplaced(channel: WatchedChannel, { module, at }: RecordChange, all: readonly WatchedChannel[]): boolean {
  if (channel.isListed) return false;
  const { from } = channel;
  return all.some(
    (each) =>
      each.isListed &&
      modulesOf(each.events).includes(module) &&
      hasBegun(each, at) &&
      (from === undefined || each.from === undefined || each.from > from),
  );
}

function isOfOtherProject({ ofListener, project }: RememberedChannel, root: string): boolean {
  return ofListener === true && project !== root;
}

/** A list shows less of a channel than the memory has of one that was created here. */
function known(listed: Channel | undefined): Partial<Pick<Channel, "token" | "conditions"> & { notifyUrl: string }> {
  if (listed === undefined || listed.isUnread) return {};
  const { notifyUrl, token, conditions } = listed;
  return { ...(notifyUrl && { notifyUrl }), ...(token && { token }), ...(conditions.length > 0 && { conditions }) };
}

/** A listener's channel that is gone watches until that of the next listener does. */
function successor({ ofListener, createdAt }: RememberedChannel, all: readonly RememberedChannel[]): Date | undefined {
  if (ofListener !== true || createdAt === undefined) return undefined;
  const later = all.flatMap((each) =>
    each.ofListener && each.createdAt !== undefined && each.createdAt > createdAt ? [each.createdAt] : [],
  );
  return later.sort((a, b) => a.getTime() - b.getTime())[0];
}

function watchedChannel(
  {
    id,
    events,
    notifyUrl,
    token,
    conditions,
    createdAt,
  }: Pick<RememberedChannel, "id" | "events" | "notifyUrl" | "token" | "conditions" | "createdAt">,
  state: Pick<WatchedChannel, "until" | "isListed">,
): WatchedChannel {
  const conditional = conditions.flatMap((condition) => fieldsOf(condition)[0] ?? []);
  return { id, notifyUrl, token, events: expandEvents(events), conditional, from: createdAt, ...state };
}
