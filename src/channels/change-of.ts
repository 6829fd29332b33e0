import { maskUrl } from "../delivery/mask.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { contractEvents, expandEvents } from "./events.ts";

/** Describes how a channel differs from what is wanted; "" if it does not. `showsToken`: Zoho lists tokens. */
export function changeOf(config: ChannelConfig, listed: Channel, showsToken: boolean): string {
  if (listed.isUnread) return "";
  const eventsOf = (events: readonly string[]): string =>
    expandEvents(events.map((event) => event.toLowerCase()))
      .toSorted()
      .join(" ");
  const changes: string[] = [];
  if (listed.notifyUrl !== undefined && listed.notifyUrl !== config.notifyUrl)
    changes.push(`it posts to ${maskUrl(listed.notifyUrl)}`);
  if (eventsOf(listed.events) !== eventsOf(config.events))
    changes.push(`it watches ${contractEvents(listed.events).join(", ")}`);
  if (showsToken && listed.token !== config.token) changes.push("it has another token");
  return changes.join("; ");
}
