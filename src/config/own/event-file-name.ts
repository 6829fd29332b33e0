/** A project that was cloned may name an event `../../x`: its sample would be written there. */
export const EVENT_NAME_RULE =
  "an event's name is that of its files: without / and \\, control characters and a first dot";

export function isFileName(name: string): boolean {
  return /^(?!\.)[^/\\\p{Cc}]+$/u.test(name);
}
