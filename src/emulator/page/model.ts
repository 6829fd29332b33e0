import { computed, signal } from "@preact/signals";
import { toClipboard } from "../../page-kit/page/copy.tsx";
import type { ApiRecord } from "../answer.ts";
import type { EmulatorView, NumberedRequest, SampleProduct, WholeDelivery } from "../view.ts";

const RECONNECT_MS = 2000;
/** For the times that are left. */
const CLOCK_INTERVAL_MS = 30_000;
const MAX_RECORDS = 200;

type Dialog =
  | { readonly kind: "record"; readonly record: ApiRecord | undefined; readonly begun: object }
  | { readonly kind: "sample"; readonly samples: readonly SampleProduct[] }
  | { readonly kind: "faults" }
  | { readonly kind: "request"; readonly request: NumberedRequest }
  | { readonly kind: "delivery"; readonly delivery: WholeDelivery };

export const isLive = signal<boolean | undefined>(undefined);
export const view = signal<EmulatorView | null>(null);
/** `crm Leads`. */
export const chosenModule = signal("crm Leads");
export const records = signal<readonly ApiRecord[]>([]);
export const dialog = signal<Dialog | null>(null);
/** What was done last, or why it failed. */
export const message = signal<{ readonly ok: boolean; readonly text: string }>({ ok: true, text: "" });

/** Calls the emulator: a POST where there is a body. Throws an Error with the words of its answer. */
async function call<T>(path: string, body?: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`/_emulator/${path}`, init).catch(() => {
    throw new Error("the emulator does not answer: is zoho-hooks emulate still running?");
  });
  const answer = await response.json();
  if (response.ok) return answer;
  throw new Error([answer.error, answer.hint].filter(Boolean).join(": "));
}

/** Calls the emulator, closes the dialog, and says what was done. Says why it failed, and resolves to undefined. */
export async function act<T>(done: string, path: string, body?: unknown): Promise<T | undefined> {
  try {
    const answer = await call<T>(path, body);
    dialog.value = null;
    message.value = { ok: true, text: done };
    return answer;
  } catch (error) {
    message.value = { ok: false, text: (error as Error).message };
    return undefined;
  }
}

/** Fields of forms that a refused call may name, as in `times: 0 is not a whole number`. */
const FIELDS = ["by", "to", "times", "answer"];

/** Why the last call failed, as far as it is about a field, and about a form as a whole. */
export const failure = computed(() => {
  const { ok, text } = message.value;
  const [start, field = ""] = /^(\w+): /.exec(text) ?? [];
  const isOfField = FIELDS.includes(field);
  if (ok) return {};
  return isOfField ? { field, text: text.slice(start?.length) } : { text };
});

export async function copy(text: string): Promise<void> {
  try {
    await toClipboard(text);
    message.value = { ok: true, text: "Copied" };
  } catch {
    message.value = { ok: false, text: "The browser gives this page no clipboard: select the text" };
  }
}

export async function showRequest(n: number): Promise<void> {
  const request = await act<NumberedRequest>("", `requests/${n}`);
  if (request !== undefined) dialog.value = { kind: "request", request };
}

export async function showDelivery(n: number): Promise<void> {
  const delivery = await act<WholeDelivery>("", `deliveries/${n}`);
  if (delivery !== undefined) dialog.value = { kind: "delivery", delivery };
}

export async function showSamples(): Promise<void> {
  const answer = await act<{ readonly samples: readonly SampleProduct[] }>("", "samples");
  if (answer !== undefined) dialog.value = { kind: "sample", ...answer };
}

/** Opens an editor for a record, or for a new one. */
export async function showRecord(record?: ApiRecord): Promise<void> {
  const found = await act<{ readonly create: object; readonly change: object }>(
    "",
    `beginnings?${new URLSearchParams(place())}`,
  );
  if (found === undefined) return;
  dialog.value = { kind: "record", record, begun: record ? { ...found.change, ...record } : found.create };
}

/** Product and module of the records. */
export function place() {
  const [product = "", module = ""] = chosenModule.value.split(" ");
  return { product, module };
}

let isStale = false;
let isReading = false;
/** Reads what is shown: one call at a time, and once more where something changed meanwhile. */
async function refresh(): Promise<void> {
  isStale = true;
  if (isReading) return;
  isReading = true;
  while (isStale) {
    isStale = false;
    // The event stream says that the emulator is gone.
    await read().catch(() => {});
  }
  isReading = false;
}

async function read(): Promise<void> {
  view.value = await call<EmulatorView>("state");
  const chosen = chosenModule.value;
  const { product, module } = place();
  const newest = await readRecords(product, module, MAX_RECORDS);
  if (chosen === chosenModule.value) records.value = newest;
}

async function readRecords(product: string, module: string, limit: number): Promise<readonly ApiRecord[]> {
  const query = new URLSearchParams({ product, module, limit: String(limit) });
  return (await call<{ readonly records: readonly ApiRecord[] }>(`records?${query}`)).records;
}

/** Follows the emulator for as long as the page is open. */
export function connect(): void {
  const changes = new EventSource("/_emulator/changes");
  changes.onopen = () => {
    isLive.value = true;
  };
  changes.onmessage = refresh;
  changes.onerror = () => {
    isLive.value = false;
    // By itself it gives up where something else answers.
    changes.close();
    setTimeout(connect, RECONNECT_MS);
  };
}

chosenModule.subscribe(() => {
  records.value = [];
  void refresh();
});
setInterval(refresh, CLOCK_INTERVAL_MS);
