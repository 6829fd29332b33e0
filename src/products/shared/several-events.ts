/** Nearly every delivery holds one event: an app that takes the first alone is found out late. */
export function severalHint(events: unknown): string | undefined {
  return Array.isArray(events) && events.length > 1
    ? "a delivery may hold several events, as this one does: here it goes by the first, your app has to take each of them"
    : undefined;
}
