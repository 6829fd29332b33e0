import { modulesOf } from "../../channels/channel.ts";
import { watchClient } from "../../channels/client.ts";
import { applyDeclaration } from "../../channels/declared.ts";
import { DAY_MS } from "../../channels/expiry.ts";
import { MAX_TOKEN_LENGTH, type WatchProduct } from "../../channels/watch-products.ts";
import { isHttpUrl } from "../../util/hosts.ts";
import type { Connection } from "./connection.ts";
import { sha256 } from "./seal.ts";
import type { ChannelSpec, KeptAlive } from "./types.ts";
import { misuse } from "./zoho-error.ts";

export function keepAlive(connection: Connection, spec: ChannelSpec): Promise<KeptAlive> {
  return connection.run(spec.signal, async (signal) => {
    const { api, product } = connection.api(spec.product);
    check(spec, product);
    const { clientId } = connection.ready().signIn.access.client;
    const { id, isOwn } = await idOf(clientId, product.id, spec.name);
    const { state, reason, expiresAt } = await applyDeclaration(
      { api, product, client: watchClient(api, product, signal), now: api.now },
      {
        id,
        isOwn,
        events: spec.events,
        notifyUrl: spec.url,
        token: spec.token,
        fields: spec.fields ?? {},
        related: product.hasOptions ? (spec.related ?? false) : undefined,
        values: product.hasOptions ? (spec.values ?? false) : undefined,
      },
      signal,
    );
    const leftMs = (expiresAt?.getTime() ?? 0) - api.now().getTime();
    const callBefore = expiresAt && new Date(expiresAt.getTime() - Math.min(DAY_MS, leftMs / 4));
    return { id, state, reason, expiresAt: expiresAt?.toISOString(), callBefore: callBefore?.toISOString() };
  });
}

/** Throws for what Zoho would refuse, or would take for something else. */
function check({ name, events, url, token, fields, values, related }: ChannelSpec, product: WatchProduct): void {
  if (typeof name !== "string" || name.trim() === "")
    throw misuse(
      "keepAlive needs the name of the channel",
      "choose one that no other deployment has: billing-production",
    );
  if (!Array.isArray(events)) throw misuse("events is not a list", 'name them: ["Leads.all"]; [] deletes the channel');
  if (events.length === 0) return;
  if (typeof url !== "string" || !isHttpUrl(url))
    throw misuse("url is not a web URL", "give the address of the route that receives notifications");
  if (typeof token !== "string" || token === "" || token.length > MAX_TOKEN_LENGTH)
    throw misuse(
      `token has to be a text of 1 to ${MAX_TOKEN_LENGTH} characters`,
      "choose a long random one, and let the route compare it",
    );
  const given = Object.entries({ fields, values, related }).filter(([, value]) => value !== undefined);
  if (!product.hasOptions && given.length > 0)
    throw misuse(`${product.title} does not document ${given.map(([each]) => each).join(", ")}`, "leave it out");
  const modules = modulesOf(events.map((event) => event.trim()));
  const other = Object.keys(fields ?? {}).find((module) => !modules.includes(module));
  if (other !== undefined)
    throw misuse(`fields names ${other}, and no event is of it`, `modules: ${modules.join(", ")}`);
}

/** Ids that belong to one name. */
const BLOCK = 64;

/** The id of a channel: 43 bits of a hash, as fifteen digits, which a tool that reads it as a number keeps. */
async function idOf(clientId: string, product: string, name: string) {
  const hash = new DataView((await sha256(`zoho-hooks channel\n${clientId}\n${product}\n${name}`)).buffer);
  const first = 1e14 + ((hash.getUint32(0) & 0x7ff) * 2 ** 32 + hash.getUint32(4)) * BLOCK;
  return {
    id: String(first),
    isOwn: (id: string): boolean => /^\d{15}$/.test(id) && Number(id) >= first && Number(id) < first + BLOCK,
  };
}
