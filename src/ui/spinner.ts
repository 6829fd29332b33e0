import type { Ora } from "ora";

const PATIENCE_MS = 400;

/** Runs work, with a spinner once it has taken over a moment. The spinner says nothing of the outcome. */
export async function withSpinner<T>(message: string, work: () => Promise<T>): Promise<T> {
  let spinner: Ora | undefined;
  let working = true;
  const timer = setTimeout(async () => {
    const { default: ora } = await import("ora");
    if (working) spinner = ora({ text: message, discardStdin: false }).start();
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    working = false;
    clearTimeout(timer);
    spinner?.stop();
  }
}
