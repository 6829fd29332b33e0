/** A project that was cloned may name an event `../../x`: its sample would be written there. */
export const EVENT_NAME_RULE =
  "an event's name is also a file name: it cannot contain \\ or control characters, nor parts between / that are empty or start with a dot";

export function isFileName(name: string): boolean {
  return name.split("/").every((part) => /^(?!\.)[^\\\p{Cc}]+$/u.test(part));
}
