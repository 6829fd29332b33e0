import { realpathSync } from "node:fs";
import { type EngineId, loadEngine, type NativeDatabase } from "./engine.ts";
import { logError } from "./fault.ts";
import type { Holder } from "./log.ts";
import { currentHolder } from "./owner.ts";

/**
 * Who holds a log that is there, for one who only wants to know: it is neither brought up to date nor waited for. Undefined
 * when nobody does; rejects with a UserError when it cannot be read.
 */
export async function peekHolder(link: string, engines?: readonly EngineId[]): Promise<Holder | undefined> {
  const engine = await loadEngine(engines);
  let database: NativeDatabase | undefined;
  try {
    const path = realpathSync(link);
    database = engine.open(path, { readOnly: true });
    database.exec("PRAGMA busy_timeout = 100");
    return currentHolder({ path, engine, database });
  } catch (error) {
    throw logError(error, link);
  } finally {
    database?.close();
  }
}
