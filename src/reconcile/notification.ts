import { modulePath } from "../channels/records.ts";
import type { ZohoSession } from "../channels/session.ts";
import { type Delivery, requestTarget } from "../delivery/delivery.ts";
import type { MissedChange } from "./lines.ts";
import type { WatchedChannel } from "./watched.ts";

/** Changes that one notification tells of: of one module and operation, at most 100. */
export interface ChangeGroup {
  readonly channel: WatchedChannel;
  readonly module: string;
  readonly operation: MissedChange["operation"];
  readonly changes: readonly MissedChange[];
}

/** The records that one notification may name: as many as one request writes. */
const MAX_IDS = 100;

/** Groups changes for notifications, in the order of their first ones. */
export function groupChanges(
  changes: readonly MissedChange[],
  channelOf: (change: MissedChange) => WatchedChannel,
): readonly ChangeGroup[] {
  const groups: (ChangeGroup & { changes: MissedChange[] })[] = [];
  for (const change of changes) {
    const { module, operation } = change;
    const channel = channelOf(change);
    const open = groups.findLast(
      (each) => each.channel === channel && each.module === module && each.operation === operation,
    );
    if (open !== undefined && open.changes.length < MAX_IDS) open.changes.push(change);
    else groups.push({ channel, module, operation, changes: [change] });
  }
  return groups;
}

/**
 * The notification that the channel would have posted. Which fields have changed is not known, and Zoho itself leaves that out for
 * new records. Its time is that of the last change, so that what it covers is not missed again.
 */
export function reconstructNotification(
  { product, signIn }: Pick<ZohoSession, "product" | "signIn">,
  { channel: { id, notifyUrl, token }, module, operation, changes }: ChangeGroup,
): Delivery {
  const body = {
    server_time: Math.max(...changes.map(({ latest }) => latest.getTime())),
    query_params: Object.fromEntries(new URL(notifyUrl).searchParams),
    module,
    resource_uri: `${product.host(signIn.centre, signIn.environment)}${modulePath(product, module)}`,
    ids: changes.map((change) => change.id),
    affected_fields: [],
    operation,
    channel_id: id,
    token: token ?? null,
  };
  return {
    method: "POST",
    url: requestTarget(notifyUrl),
    headers: [["content-type", "application/json"]],
    body: Buffer.from(JSON.stringify(body)),
  };
}
