import { loadEngine } from "./engine.ts";
import type { Holder } from "./log.ts";
import { currentHolder } from "./owner.ts";

/** Who holds the log, for one who only wants to know: it is neither brought up to date nor waited for. */
export async function peekHolder(path: string): Promise<Holder | undefined> {
  const engine = await loadEngine();
  const database = engine.open(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 100");
    return currentHolder({ path, engine, database });
  } finally {
    database.close();
  }
}
