import { asListed, type KnownChannel } from "./renew.ts";
import type { ChannelAccess, WholeList } from "./session.ts";

/** All channels but those of a `listen`, which renews its own: one that is left over must not be kept alive. */
export async function chooseAll({ memory }: ChannelAccess, { listed, missing }: WholeList) {
  const ownedIds = (await memory.all()).flatMap(({ id, ofListener }) => (ofListener ? [id] : []));
  const chosen: readonly KnownChannel[] = [
    ...missing.map((each) => ({ id: each.id, missing: each })),
    ...listed.filter(({ id }) => !ownedIds.includes(id)).map(asListed),
  ];
  return { chosen, ofListeners: listed.filter(({ id }) => ownedIds.includes(id)) };
}
