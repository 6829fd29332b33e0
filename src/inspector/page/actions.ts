import type { EventDetails, Outcome, ReplayRequest } from "../api.ts";
import { call, download } from "./client.ts";
import {
  chosen,
  details,
  detailsOpen,
  dialog,
  errorText,
  hasTarget,
  marked,
  message,
  report,
  result,
} from "./model.ts";

/** Runs a command at the server and shows what it says. Resolves to why it could not be run, if so. */
async function run(title: string, command: string, body: unknown): Promise<string | undefined> {
  const { value: n } = chosen;
  message.value = `${title} …`;
  try {
    const outcome = await call<Outcome>(`/api/${command}`, { body });
    message.value = title;
    // Another event may have been chosen meanwhile.
    if (chosen.value === n) result.value = { title, outcome };
    detailsOpen.value = true;
    return undefined;
  } catch (error) {
    report(error);
    detailsOpen.value = true;
    return errorText(error);
  }
}

export function explain(n: number): void {
  void run(`Explain #${n}`, "explain", { n });
}

/** Asks where to, if that is not known. */
export function replayAsItIs(n: number): void {
  if (hasTarget.value) void replay({ n });
  else dialog.value = "replay";
}

export function replay(request: ReplayRequest): Promise<string | undefined> {
  return run(`Replay #${request.n}${request.body === undefined ? "" : ", edited"}`, "replay", request);
}

/** Marks the first event; with the second one, shows what differs. */
export function markOrDiff(n: number): void {
  const before = marked.value;
  if (before === null || before === n) {
    marked.value = before === null ? n : null;
    message.value = before === null ? `#${n} is marked: choose another event and press m` : "No event is marked";
    return;
  }
  marked.value = null;
  void run(`Differences from #${before} to #${n}`, "diff", { before, after: n });
}

export async function copyAsCurl(n: number): Promise<void> {
  try {
    const { ok, text } = await call<Outcome>("/api/curl", { body: { n } });
    const isMasked = details.value?.n === n && details.value.masked;
    if (ok) await copy(isMasked ? "curl command, with secrets masked" : "curl command", text);
    else report(new Error(text));
  } catch (error) {
    report(error);
  }
}

export async function copyBody(): Promise<void> {
  const { value } = details;
  if (value?.raw == null) message.value = "The body is not text: save it instead";
  else await copy(value.masked ? "body, with secrets masked" : "body", value.raw);
}

/** Where the browser gives no clipboard, the text is shown. */
export async function copy(name: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    message.value = `Copied: ${name}`;
  } catch {
    message.value = "There is no clipboard: copy it from the page";
    result.value = { title: name, outcome: { ok: true, text, lines: [] } };
    detailsOpen.value = true;
  }
}

/** The name of an event may be a stranger's, so it does not decide which program opens the file. */
export function saveBody({ n, product, event, pretty, raw }: EventDetails): void {
  const name = [n, product, event].filter((part) => part !== null).join("-");
  const kind = pretty !== null ? "json" : raw !== null ? "txt" : "bin";
  download(`/api/events/${n}/body`, `${name.replace(/[^\p{L}\p{N}._-]+/gu, "_")}.${kind}`).catch(report);
}
