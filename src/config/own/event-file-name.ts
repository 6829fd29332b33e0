/** A project that was cloned may name an event `../../x`: its sample would be written there. */
export const EVENT_NAME_RULE =
  "an event's name is that of its files: without \\, control characters, and parts between / that are empty or begin with a dot";

export function isFileName(name: string): boolean {
  return name.split("/").every((part) => /^(?!\.)[^\\\p{Cc}]+$/u.test(part));
}
