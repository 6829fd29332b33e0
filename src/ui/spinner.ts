import ora from "ora";

const PATIENCE_MS = 400;

/** Runs work, with a spinner once it has taken over a moment. The spinner says nothing of the outcome. */
export async function withSpinner<T>(message: string, work: () => Promise<T>): Promise<T> {
  const spinner = ora({ text: message, discardStdin: false });
  const timer = setTimeout(() => spinner.start(), PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    spinner.stop();
  }
}
