import { UserError } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";
import { changeOf } from "./change-of.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { requireSuccess } from "./client.ts";
import { type FieldsByModule, fieldConditions, fieldsOf, type ProductApi } from "./conditions.ts";
import { normaliseEvents } from "./events.ts";
import { DAY_MS, endAfter } from "./expiry.ts";
import { type RenewalAccess, writeRenewals } from "./renew.ts";

/*
 * A channel that is declared rather than remembered: a cron of an app says what it is to be, and this makes it so. Its id follows
 * from its name, so that two at once, or one that is killed, end in the same channel.
 */

/** A channel as it is to be. */
export interface Declaration extends Omit<ChannelConfig, "conditions"> {
  /** None: it is to be deleted. */
  readonly events: readonly string[];
  /** Edits of these fields alone notify. */
  readonly fields: FieldsByModule;
  /** Whether an id is one of this name's, which others than `id` are left over from another version. */
  readonly isOwn: (id: string) => boolean;
}

interface DeclaredChannel {
  /** `created`: there was none, so it is new, or it was lost. */
  readonly state: "created" | "renewed" | "updated" | "unchanged" | "deleted";
  /** What was different, or what to know. */
  readonly reason?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

type Access = Pick<RenewalAccess, "client" | "now"> & ProductApi;

/** A channel with less than this part of its lifetime left is renewed: a daily call may fail twice for CRM. */
const RENEW_AT = 0.5;

const NO_MEMORY: RenewalAccess["memory"] = { recall: async () => undefined, observe: async () => undefined };

/** Throws unless the channel is as declared afterwards. */
export async function applyDeclaration(
  access: Access,
  declared: Declaration,
  signal?: AbortSignal,
): Promise<DeclaredChannel> {
  // First, because the answer also tells Zoho's time, by which the expiry is computed.
  const own = (await access.client.list()).filter((channel) => declared.isOwn(channel.id));
  if (declared.events.length === 0) {
    await removeAll(access, own);
    return own.length > 0 ? { state: "deleted" } : { state: "unchanged", reason: "there is no channel of this name" };
  }
  const listed = own.find((channel) => channel.id === declared.id);
  const made = await make(access, { ...declared, events: normaliseEvents(declared.events) }, listed, signal);
  // Last: what replaces it already posts.
  await removeAll(
    access,
    own.filter((channel) => channel !== listed),
  );
  return made;
}

async function make(
  { api, product, client, now }: Access,
  declared: Declaration,
  listed: Channel | undefined,
  signal: AbortSignal | undefined,
): Promise<DeclaredChannel> {
  const { isOwn: _, fields, ...config } = declared;
  const { defaultMs: lifetimeMs } = product.lifetime;
  const change = listed === undefined ? "" : differenceOf(declared, listed);
  const leftMs = (listed?.expiresAt?.getTime() ?? 0) - now().getTime();
  if (listed !== undefined && change === "" && leftMs > lifetimeMs * RENEW_AT)
    return { state: "unchanged", expiresAt: listed.expiresAt };
  const conditions = await fieldConditions({ api, product }, fields, signal);
  const { type, expiresAt, warning } = requireSuccess(
    await writeRenewals(
      { client, now, memory: NO_MEMORY, command: (words) => words },
      [{ config: { ...config, conditions }, from: listed?.expiresAt, isGone: listed === undefined }],
      { end: () => endAfter(lifetimeMs, now()), isOwned: true },
    ),
  );
  if (type === "created") return { state: "created", expiresAt, reason: warning ?? newReason(product.lifetime) };
  return { state: change === "" ? "renewed" : "updated", expiresAt, reason: change === "" ? warning : change };
}

async function removeAll({ client }: Pick<Access, "client">, channels: readonly Channel[]): Promise<void> {
  if (channels.length === 0) return;
  const { remaining } = await client.remove(channels.map(({ id }) => id));
  const [left] = remaining;
  if (left !== undefined) throw new UserError("zohoApi", `channel ${left.id} was not deleted: ${left.because}`);
}

/** A part that the product does not list is not compared. */
function differenceOf(declared: Declaration, listed: Channel): string {
  const { fields, related, values } = declared;
  const changes = [changeOf({ ...declared, conditions: [] }, listed, listed.token !== undefined)];
  const options = { related: [related, listed.related], values: [values, listed.values] };
  for (const [name, [wanted, has]] of Object.entries(options))
    if (wanted !== undefined && has !== undefined && wanted !== has) changes.push(`${name} is ${has}`);
  const conditions = listed.conditions.map((condition) => {
    const [module = "", names = ["?"]] = fieldsOf(condition);
    return [module, names] as const;
  });
  if (!listed.isUnread && fieldText(Object.entries(fields)) !== fieldText(conditions))
    changes.push("it watches other fields");
  return changes.filter((each) => each !== "").join("; ");
}

function fieldText(fields: readonly (readonly [module: string, names: readonly string[]])[]): string {
  const lines = fields.map(([module, names]) => `${module}:${names.toSorted().join(",")}`);
  return lines.toSorted().join("\n").toLowerCase();
}

function newReason({ defaultMs }: { readonly defaultMs: number }): string {
  const text = "it is new, or it had expired or was deleted";
  const often = `a channel lives ${formatSpan(defaultMs)}, so call this every hour`;
  return defaultMs < DAY_MS ? `${text}: ${often}` : text;
}
