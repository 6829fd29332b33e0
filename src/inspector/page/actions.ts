import type { EventDetails, Outcome } from "../api.ts";
import { call, download } from "./client.ts";
import {
  copy,
  details,
  detailsOpen,
  dialog,
  errorText,
  hasTarget,
  marked,
  message,
  report,
  result,
  selected,
  type Tab,
  tab,
} from "./model.ts";

/** Runs a command at the server. Why it could not be run is an answer as well. */
export async function ask(command: string, body: unknown): Promise<Outcome> {
  try {
    return await call<Outcome>(`/api/${command}`, { body });
  } catch (error) {
    return { ok: false, lines: [], notes: [errorText(error)] };
  }
}

/** Shows the answer of a command above the event. */
async function show(title: string, command: string, body: unknown): Promise<void> {
  const { value: n } = selected;
  message.value = `${title} …`;
  const outcome = await ask(command, body);
  message.value = title;
  // Another event may have been selected meanwhile.
  if (selected.value === n) result.value = { title, outcome };
  detailsOpen.value = true;
}

export function explain(n: number): void {
  void show(`Explain #${n}`, "explain", { n });
}

/** Asks where to, if that is not known. */
export function replayAsItIs(n: number): void {
  // The dialog says why it cannot be sent.
  if (hasTarget.value && details.value?.cut !== true) void show(`Replay #${n}`, "replay", { n });
  else dialog.value = "replay";
}

/** Marks the first event; with the second one, shows what differs. */
export function markOrDiff(n: number): void {
  const before = marked.value;
  if (before === null || before === n) {
    marked.value = before === null ? n : null;
    message.value = before === null ? `#${n} is marked: select another event and press m` : "No event is marked";
    return;
  }
  marked.value = null;
  void show(`Differences from #${before} to #${n}`, "diff", { before, after: n });
}

/** What a tab shows, as text; null for a body that is none. */
export async function textOf(name: Tab, { n, at, product, event, headers, raw }: EventDetails): Promise<string | null> {
  if (name === "Headers") return headers.map((pair) => pair.join(": ")).join("\n");
  if (name !== "curl") return raw;
  const { lines, notes } = await ask("show", { n, curl: true });
  const command = lines.find(({ type }) => type === "curl")?.command;
  if (command === undefined) return notes.join("\n");
  // A line break in a name would end the comment.
  const comment = `#${n} ${at} ${product ?? "?"} ${event ?? ""}`.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
  return `# ${comment}\n${command}\n`;
}

export async function copyTab(name: Tab): Promise<void> {
  tab.value = name;
  const { value: event } = details;
  if (event === null || event.n !== selected.value) return;
  const text = await textOf(name, event);
  if (text === null) message.value = "The body is not text: save it instead";
  else await copy(text);
}

/** The name of an event may be a stranger's, so it does not decide which program opens the file. */
export function saveBody({ n, product, event, pretty, raw }: EventDetails): void {
  const name = [n, product, event].filter((part) => part !== null).join("-");
  const kind = pretty !== null ? "json" : raw !== null ? "txt" : "bin";
  download(`/api/events/${n}/body`, `${name.replace(/[^\p{L}\p{N}._-]+/gu, "_")}.${kind}`).catch(report);
}
