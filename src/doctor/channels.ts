import { type Channel, expiringWithin } from "../channels/channel.ts";
import { findDeadUrl } from "../channels/dead-url.ts";
import { contractEvents, doubledEvents, expandEvents, normaliseEvents, withoutEvents } from "../channels/events.ts";
import { DAY_MS, soonest } from "../channels/expiry.ts";
import type { RememberedChannel } from "../channels/memory.ts";
import { lostUnderListen, orphanIds } from "../channels/orphaned-channels.ts";
import { replaceWords } from "../channels/replace-words.ts";
import type { ZohoSession } from "../channels/session.ts";
import { withChannelTokens } from "../channels/tokens.ts";
import { type Found, failed, passed, warned } from "../checks/finding.ts";
import { maskUrl } from "../delivery/mask.ts";
import { appPaths, webhookPath } from "../delivery/paths.ts";
import { eventPattern, parseRoute, patternParts } from "../model/event-names.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import { bounded, type CheckedProject } from "./project.ts";

interface KnownChannel {
  readonly channel: Channel;
  /** Undefined for one that was neither created nor changed here. */
  readonly own: RememberedChannel | undefined;
}

/** Checks the channels of one product that are of this project, or were created on this machine. */
export async function checkChannels(
  project: CheckedProject,
  session: ZohoSession,
  listed: readonly Channel[],
): Promise<readonly Found[]> {
  return evaluateChannels(await readCase(project, session, listed));
}

type ChannelCase = Awaited<ReturnType<typeof readCase>>;

/** Everything that the rules need, so that they neither read nor ask. */
async function readCase(project: CheckedProject, session: ZohoSession, listed: readonly Channel[]) {
  const { context, config, listener } = project;
  const { memory, product, command, pollMs } = session;
  const { settings, secrets } = config;
  const now = session.now();
  const folder = context.userFolder;
  const remembered = await memory.all();
  const known = listed.map((channel): KnownChannel => {
    const own = remembered.find(({ id }) => id === channel.id);
    return { channel: { ...channel, notifyUrl: channel.notifyUrl ?? own?.notifyUrl }, own };
  });
  const domain = settings.domain === undefined ? undefined : `https://${settings.domain.replace(/^https?:\/\//, "")}`;
  const bases = [listener?.publicUrl, settings.publicUrl, domain].filter((each) => each !== undefined);
  const ours = known.filter((each) => isOurs(each, bases));
  const accepted = withChannelTokens(secrets, { folder, known: context.knownSecrets }).for("token", product.id);
  return {
    ours,
    /** Remembered channels that Zoho no longer has. */
    missing: await memory.missing(listed, now),
    /** Those that a running `listen` has lost. It creates them again. */
    lost: await lostUnderListen(session, listed),
    /** URL of the running `listen`, if it has a tunnel. */
    publicUrl: listener?.publicUrl,
    /** The ids of those left over by a `listen --channel` that is gone. */
    orphans: await orphanIds(remembered, folder, now),
    /** Why nothing answers at a channel's URL, by id. */
    dead: await findDead(project, session, ours),
    /** The tokens that `listen` accepts; `isRequired` if a body without one of them is refused. */
    tokens: {
      accepted: accepted.map((each) => each.reveal().trim()),
      isRequired: secrets.for("token", product.id).length > 0,
    },
    /** Patterns of the settings, such as `crm:Leads.create`. */
    wanted: [...settings.events, ...settings.routes.map((text) => parseRoute(text, "routes").pattern.text)],
    /** The setting. */
    paths: settings.paths,
    product,
    now,
    command,
    pollMs,
  };
}

const MAX_URLS = 20;

async function findDead(
  { context, listener }: CheckedProject,
  { http, api }: ZohoSession,
  ours: readonly KnownChannel[],
) {
  const { hostname } = new URL(api.urlOf({ path: "/" }));
  // The line about the public URL is about the others.
  const others = ours.filter(({ channel }) => !isAt(channel, listener?.publicUrl));
  const found = await Promise.all(
    others.slice(0, MAX_URLS).map(async ({ channel }) => {
      // Without an answer in time nothing is known.
      const dead = await bounded(context.signal, (limit) =>
        findDeadUrl(http, channel.notifyUrl ?? "", hostname, limit),
      ).catch(() => undefined);
      return dead === undefined ? [] : ([[channel.id, dead]] as const);
    }),
  );
  return new Map(found.flat());
}

/** Created or changed on this machine, or posting to this project. */
function isOurs({ channel, own }: KnownChannel, bases: readonly string[]): boolean {
  return own !== undefined || bases.some((base) => isAt(channel, base));
}

function isAt({ notifyUrl }: Pick<Channel, "notifyUrl">, base: string | undefined): boolean {
  return base !== undefined && notifyUrl?.startsWith(`${base.replace(/\/+$/, "")}/`) === true;
}

/** The channels that lose deliveries, or soon will. None for no channels. */
function evaluateChannels(each: ChannelCase): readonly Found[] {
  const { product, ours } = each;
  const orphans = ours.filter(({ channel }) => each.orphans.has(channel.id));
  const active = ours.filter((known) => !orphans.includes(known));
  const findings = [
    missingFinding(each),
    lostFinding(each),
    urlFinding(each, active),
    movedFinding(each, active),
    tokenFinding(each, active),
    expiryFinding(each, active),
    eventsFinding(each, active),
    orphanFinding(each, orphans),
    doubledFinding(each, ours),
  ].filter((finding) => finding !== undefined);
  if (findings.length > 0) return findings;
  if (ours.length === 0) return [];
  const end = soonest(ours.map(({ channel }) => channel.expiresAt));
  const left = end === undefined ? "" : `, the next expires in ${formatSpan(end.getTime() - each.now.getTime())}`;
  return [passed(`${product.title}: ${ours.length}${left}`, { ids: idsOf(ours) })];
}

function idsOf(channels: readonly KnownChannel[]): string {
  return channels.map(({ channel }) => channel.id).join(", ");
}

function missingFinding({ missing, command }: ChannelCase): Found | undefined {
  const [first] = missing;
  if (first === undefined) return undefined;
  const ids = missing.map(({ id, because }) => `${id} (${because})`).join(", ");
  const { id } = first;
  const remedy = `${command(`renew ${id}`)} creates it again; ${command(`delete ${id}`)} forgets it`;
  return { id: "channels.missing", ...failed(`Zoho no longer has ${ids}`, remedy) };
}

function lostFinding({ lost, pollMs }: ChannelCase): Found | undefined {
  if (lost.length === 0) return undefined;
  const ids = lost.map(({ id }) => id).join(", ");
  const remedy = `that listen creates it again within ${formatSpan(pollMs)}`;
  return { id: "channels.missing", ...failed(`Zoho no longer has ${ids}, of a listen that runs`, remedy) };
}

function urlFinding({ dead, command }: ChannelCase, active: readonly KnownChannel[]): Found | undefined {
  const found = active.flatMap(({ channel }) => {
    const reason = dead.get(channel.id);
    return reason === undefined ? [] : [{ channel, ...reason }];
  });
  const worst = found.find(({ isSure }) => isSure) ?? found[0];
  if (worst === undefined) return undefined;
  const { channel, because, isSure } = worst;
  const more = found.length > 1 ? `, and ${found.length - 1} more` : "";
  const text = `${channel.id} posts to ${shownUrl(channel)}: ${because}${more}`;
  const remedy = `start listen or the app there; or ${command(`${replaceWords(channel)} --url https://…`)}`;
  return { id: "channels.url", ...(isSure ? failed : warned)(text, remedy) };
}

/** A new tunnel has another URL, and the channel still posts to the old one. */
function movedFinding(
  { publicUrl: base, dead, paths, product, command }: ChannelCase,
  active: readonly KnownChannel[],
): Found | undefined {
  if (base === undefined || active.some(({ channel }) => isAt(channel, base))) return undefined;
  const moved = active.find(({ channel, own }) => {
    const url = channel.notifyUrl ?? "";
    const isWebhook = /\/webhooks\/zoho(?:\/|$)/.test(url) || url.endsWith(webhookPath(product.id, appPaths(paths)));
    return own !== undefined && isWebhook && !dead.has(channel.id);
  });
  if (moved === undefined) return undefined;
  const { id } = moved.channel;
  const text = `${id} posts to ${shownUrl(moved.channel)}, but listen is at ${base}`;
  return {
    id: "channels.url",
    ...warned(
      text,
      command(`${replaceWords(moved.channel)} --url ${shellQuoted(webhookUrl(base, product.id, paths))}`),
    ),
  };
}

function shownUrl({ notifyUrl = "" }: Channel): string {
  return oneLine(maskUrl(notifyUrl));
}

function tokenFinding({ tokens, command }: ChannelCase, active: readonly KnownChannel[]): Found | undefined {
  const wrong = active.filter(({ channel, own }) => {
    if (channel.isUnread === true) return false;
    // A channel of this machine has to have its own token; any other one, a configured one.
    const isRequired = tokens.isRequired || own?.token !== undefined;
    return isRequired && (channel.token === undefined || !tokens.accepted.includes(channel.token));
  });
  const [first] = wrong;
  if (first === undefined) return undefined;
  const remedy = `set ZOHO_WEBHOOK_TOKEN to ours, then ${command(replaceWords(first.channel))}`;
  return {
    id: "channels.token",
    ...failed(`${idsOf(wrong)}: another token than ours, so deliveries are refused`, remedy),
  };
}

/** The part of a channel's life after which it should have been renewed. */
const EXPIRING_SHARE = 0.2;

function expiryFinding({ product, now, command }: ChannelCase, active: readonly KnownChannel[]): Found | undefined {
  // listen renews its own.
  const lasting = active.filter(({ own }) => own?.ofListener !== true).map(({ channel }) => channel);
  const [first, ...others] = expiringWithin(
    lasting,
    Math.min(DAY_MS, product.lifetime.defaultMs * EXPIRING_SHARE),
    now,
  );
  if (first === undefined) return undefined;
  const { id, expiresAt } = first;
  const when = expiresAt === undefined ? "at an unknown time" : `in ${formatSpan(expiresAt.getTime() - now.getTime())}`;
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return {
    id: "channels.expiring",
    ...warned(`${id} expires ${when}${more}`, command(others.length > 0 ? "renew" : `renew ${id}`)),
  };
}

/** Events that the channel was created for, or that the settings name, and that Zoho does not post. */
function eventsFinding({ wanted, product, command }: ChannelCase, active: readonly KnownChannel[]): Found | undefined {
  for (const { channel, own } of active) {
    const lost = own === undefined || channel.isUnread === true ? [] : withoutEvents(own.events, channel.events);
    if (lost.length > 0) {
      const remedy = command(replaceWords({ ...channel, events: [...channel.events, ...lost] }));
      return {
        id: "channels.events",
        ...warned(`${channel.id} no longer watches ${contractEvents(lost).join(", ")}`, remedy),
      };
    }
  }
  if (active.length === 0) return undefined;
  const watched = expandEvents(active.flatMap(({ channel }) => channel.events));
  const unwatched = wanted.filter((text) => isUnwatched(text, product.id, watched));
  if (unwatched.length === 0) return undefined;
  const names = unwatched.map((text) => patternParts(text).event);
  return {
    id: "channels.events",
    ...warned(`no channel watches ${unwatched.join(", ")}`, command(`create ${quotedList(names)}`)),
  };
}

/** For a command to copy. Zoho's host or the settings may be a stranger's. */
function quotedList(names: readonly string[]): string {
  return names.map((name) => shellQuoted(oneLine(name))).join(",");
}

/** Whether a pattern names events of a channel, and none of them is watched. */
function isUnwatched(text: string, productId: string, watched: readonly string[]): boolean {
  const { product, event } = patternParts(text);
  if (product !== productId) return false;
  const lower = watched.map((each) => each.toLowerCase());
  if (/[*?]/.test(event)) {
    const { matches } = eventPattern(text);
    return /^\w+\./.test(event) && !watched.some((each) => matches(productId, each));
  }
  try {
    return expandEvents(normaliseEvents([event])).some((each) => !lower.includes(each.toLowerCase()));
  } catch {
    // Not an event of a channel, such as one of the guide's.
    return false;
  }
}

function orphanFinding({ command }: ChannelCase, orphans: readonly KnownChannel[]): Found | undefined {
  const [first] = orphans;
  if (first === undefined) return undefined;
  const text = `${idsOf(orphans)}: left over by a listen --channel that is gone`;
  return {
    id: "channels.orphaned",
    ...warned(text, command(`delete ${orphans.map(({ channel }) => channel.id).join(" ")}`)),
  };
}

/** Two channels with the same URL and an event in common: each change is posted twice. */
function doubledFinding({ command, orphans }: ChannelCase, ours: readonly KnownChannel[]): Found | undefined {
  // That one is created again by its listen.
  const isRunning = ({ channel, own }: KnownChannel): boolean => own?.ofListener === true && !orphans.has(channel.id);
  for (const [i, first] of ours.entries()) {
    const { channel } = first;
    const double = ours.slice(i + 1).find((other) => doubledEvents(channel, other.channel).length > 0);
    if (double === undefined) continue;
    const both = doubledEvents(channel, double.channel);
    const text = `${channel.id} and ${double.channel.id} both post ${both.join(", ")} to ${shownUrl(channel)}`;
    const remedy = isRunning(first)
      ? command(`delete ${double.channel.id}`)
      : `${command(`delete ${channel.id}`)}${isRunning(double) ? "" : ", or the other one"}`;
    return { id: "channels.doubled", ...warned(text, remedy) };
  }
  return undefined;
}
