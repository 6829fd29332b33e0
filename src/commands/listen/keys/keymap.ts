/** The keys and their actions. Those without help are what a terminal itself does in its usual mode. */
export const BINDINGS = [
  { action: "older", keys: ["up", "k"], shown: "↑ k", help: "select the previous event" },
  {
    action: "newer",
    keys: ["down", "j"],
    shown: "↓ j",
    help: "select the next event; after the last one, follow the newest again",
  },
  { action: "number", keys: [..."0123456789"], shown: "12 enter", help: "select #12" },
  { action: "details", keys: ["d"], shown: "d", help: "its headers, body, signatures, schema and attempts" },
  { action: "replay", keys: ["r"], shown: "r", help: "send it to your app again" },
  { action: "edit", keys: ["e"], shown: "e", help: "change its body in your editor, and send that" },
  { action: "explain", keys: ["x"], shown: "x", help: "explain a wrong signature or token" },
  { action: "curl", keys: ["c"], shown: "c", help: "copy it as a curl command" },
  { action: "copy", keys: ["y"], shown: "y", help: "copy its body" },
  { action: "mark", keys: ["m"], shown: "m", help: "mark it; on another event: show how the two differ" },
  { action: "failed", keys: ["f"], shown: "f", help: "show only what failed or was rejected, or everything again" },
  {
    action: "pause",
    keys: ["p"],
    shown: "p",
    help: "pause the output (receiving goes on), and show what arrived meanwhile",
  },
  { action: "search", keys: ["/"], shown: "/", help: "search the bodies and URLs in the event log" },
  { action: "inspector", keys: ["o"], shown: "o", help: "open the inspector in the browser" },
  {
    action: "tunnel",
    keys: ["t"],
    shown: "t",
    help: "open a public URL, of Cloudflare unless --tunnel says otherwise, or close it",
  },
  { action: "blank", keys: ["enter"], shown: "enter", help: "print a blank line" },
  { action: "help", keys: ["?"], shown: "?", help: "this list" },
  { action: "quit", keys: ["q"], shown: "q, Ctrl-C", help: "stop listening" },
  { action: "hold", keys: ["\u0013"] },
  { action: "release", keys: ["\u0011"] },
  { action: "interrupt", keys: ["\u0003"] },
  { action: "suspend", keys: ["\u001a"] },
  { action: "kill", keys: ["\u001c"] },
] as const;

export type KeyAction = (typeof BINDINGS)[number]["action"];

const ACTIONS = new Map<string, KeyAction>(
  BINDINGS.flatMap(({ action, keys }) => keys.map((key) => [key, action] as const)),
);

export function actionOf(key: string): KeyAction | undefined {
  return ACTIONS.get(key);
}

const NAMES: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\u001b": "escape",
  "\u007f": "backspace",
  "\b": "backspace",
};
const ARROWS: Readonly<Record<string, string>> = { A: "up", B: "down" };

/** More different characters at once than anyone types: a text that was pasted by mistake would replay and quit. */
const MAX_TYPED = 6;

/**
 * The keys in a chunk of input: a character each, or a name. Other escape sequences than the arrows are left out, and so is
 * a pasted text unless it `mayPaste`.
 */
export function parseKeys(input: string, mayPaste: boolean): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  const found = input.match(/\u001b[[O][\d;]*[A-Za-z~]|[\s\S]/gu) ?? [];
  if (!mayPaste && new Set(found).size > MAX_TYPED) return [];
  return found.flatMap((each) => {
    if (each.length > 1 && each.startsWith("\u001b")) return ARROWS[each.at(-1) ?? ""] ?? [];
    return NAMES[each] ?? each;
  });
}

/** A line of input after a key: undefined where it was cancelled. */
export function editLine(line: string, key: string): string | undefined {
  if (key === "escape" || key === "\u0003") return undefined;
  if (key === "backspace") return [...line].slice(0, -1).join("");
  if (key === "\u0015") return "";
  // Names of keys and control characters.
  return [...key].length > 1 || key < " " ? line : line + key;
}
