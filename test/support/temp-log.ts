import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Log } from "../../src/store/log.ts";
import { type EngineId, engineIds, loadEngine } from "../../src/store/sqlite/engine.ts";
import { type OpenLogOptions, openLog } from "../../src/store/sqlite/log.ts";

/** The engines that this Node can run: every test of the log runs on each of them. */
export const engines: readonly EngineId[] = (
  await Promise.all(
    engineIds.map((id) =>
      loadEngine([id]).then(
        () => [id],
        () => [],
      ),
    ),
  )
).flat();

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A log in a folder of its own, or at a path; closed and removed after the test. */
export async function tempLog(engine: EngineId, options: Partial<OpenLogOptions> = {}): Promise<Log> {
  const path = options.path ?? join(tempFolder(), ".zoho-hooks", "events.db");
  const log = await openLog({ now: () => new Date(), engines: [engine], ...options, path });
  onTestFinished(() => log.close());
  return log;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
