import { join } from "node:path";
import { z } from "zod";
import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { realPlace } from "../util/links.ts";
import type { Context } from "./context.ts";

const LOCK_TIMEOUT_MS = 1000;
/** For each project: some tips name an event that was received. */
const MAX_REMEMBERED = 100;

/**
 * Tips help once and are noise in every later session, so each is shown once a project. Those that were shown are remembered in
 * the user's folder; where that cannot be read or written, they are shown again. With `--json`, `-v` and `-q` nothing is remembered.
 */
export async function openTips(context: Pick<Context, "userFolder" | "json" | "verbose" | "quiet">, root: string) {
  const path = join(context.userFolder, "tips.json");
  const place = realPlace(root);
  const isAlways = context.json || context.verbose || context.quiet;
  const read = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
    const file = z.record(z.string(), z.array(z.string()));
    return file.safeParse(await readPrivateJson(path).catch(() => undefined)).data ?? {};
  };
  const shown = new Set(isAlways ? [] : (await read())[place]);
  let added: string[] = [];
  return {
    /** Whether to show it now: not before in this project, also if it was in this run. */
    isNew(tip: string): boolean {
      if (shown.has(tip)) return false;
      if (!added.includes(tip)) added.push(tip);
      return true;
    },
    /** Remembers those that were new. */
    async remember(): Promise<void> {
      if (isAlways || added.length === 0) return;
      const tips = added;
      added = [];
      await withFileLock(`${path}.lock`, { waitMs: LOCK_TIMEOUT_MS }, async () => {
        const all = await read();
        const known = [...new Set([...(all[place] ?? []), ...tips])].slice(-MAX_REMEMBERED);
        await writePrivateJson(path, { ...all, [place]: known });
      }).catch(() => undefined);
    },
  };
}

export type Tips = Awaited<ReturnType<typeof openTips>>;
