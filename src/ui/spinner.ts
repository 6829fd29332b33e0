import type { Ora } from "ora";
import type { ImportModule } from "../context.ts";

const PATIENCE_MS = 400;

/** Runs work, with a spinner once it has taken over a moment. The spinner says nothing of the outcome. */
export async function withSpinner<T>(message: string, importModule: ImportModule, work: () => Promise<T>): Promise<T> {
  let spinner: Ora | undefined;
  let working = true;
  const timer = setTimeout(async () => {
    // A wait can do without one.
    const loaded = await importModule("ora").catch(() => undefined);
    const { default: ora } = (loaded ?? {}) as Partial<typeof import("ora")>;
    if (working) spinner = ora?.({ text: message, discardStdin: false }).start();
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    working = false;
    clearTimeout(timer);
    spinner?.stop();
  }
}
