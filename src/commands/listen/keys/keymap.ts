/** The keys and their actions. Those without help are what a terminal itself does in its usual mode. */
export const BINDINGS = [
  { action: "older", key: "up", shown: "↑", help: "select the previous event" },
  {
    action: "newer",
    key: "down",
    shown: "↓",
    help: "select the next event; after the last one, follow the newest again",
  },
  { action: "details", key: "d", shown: "d", help: "its headers, body, signatures, schema and attempts" },
  { action: "replay", key: "r", shown: "r", help: "send it to your app again" },
  { action: "page", key: "o", shown: "o", help: "open the page in the browser, to search, edit and compare events" },
  {
    action: "tunnel",
    key: "t",
    shown: "t",
    help: "open a public URL, of Cloudflare unless --tunnel says otherwise, or close it",
  },
  {
    action: "pause",
    key: "p",
    shown: "p",
    help: "pause the output (receiving goes on), and show what arrived meanwhile",
  },
  { action: "help", key: "?", shown: "?", help: "this list" },
  { action: "quit", key: "q", shown: "q, Ctrl-C", help: "stop listening" },
  { action: "interrupt", key: "\u0003" },
  { action: "suspend", key: "\u001a" },
  { action: "kill", key: "\u001c" },
] as const;

export type KeyAction = (typeof BINDINGS)[number]["action"];

const ARROWS: Readonly<Record<string, string>> = { A: "up", B: "down" };

/** More different characters at once than anyone types: a text that was pasted by mistake would replay and quit. */
const MAX_TYPED = 6;

/** The actions of the keys in a chunk of input; none for a pasted text, and for keys and escape sequences without one. */
export function actionsIn(input: string): readonly KeyAction[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  const found = input.match(/\u001b[[O][\d;]*[A-Za-z~]|[\s\S]/gu) ?? [];
  if (new Set(found).size > MAX_TYPED) return [];
  return found.flatMap((each) => {
    const key = each.length > 1 && each.startsWith("\u001b") ? ARROWS[each.at(-1) ?? ""] : each;
    return BINDINGS.find((binding) => binding.key === key)?.action ?? [];
  });
}
