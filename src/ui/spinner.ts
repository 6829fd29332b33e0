import type { Options, Ora } from "ora";

const PATIENCE_MS = 400;

/** Runs work, with a spinner once it has taken over a moment. The spinner says nothing of the outcome. */
export async function withSpinner<T>(message: string, work: () => Promise<T>): Promise<T> {
  let spinner: Ora | undefined;
  let working = true;
  const timer = setTimeout(async () => {
    const ora = await loadOra();
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

type Start = (options: Options) => Ora;

async function loadOra(): Promise<Start> {
  return ownDefault((await import("ora")).default);
}

/** In the bundle, which is CommonJS, the default of a module is the whole module, and its own default is in that. */
function ownDefault(loaded: Start | { readonly default: Start }): Start {
  return typeof loaded === "function" ? loaded : loaded.default;
}
