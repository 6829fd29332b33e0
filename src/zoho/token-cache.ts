import { rm } from "node:fs/promises";
import { z } from "zod";
import { withFileLock } from "./file-lock.ts";
import { FileError, readPrivateJson, writePrivateJson } from "./private-file.ts";

const cacheSchema = z.object({
  accessToken: z.string().optional(),
  apiDomain: z.string().optional(),
  scopes: z.array(z.string()).readonly().optional(),
  /** Milliseconds since the epoch, like the others. */
  expiresAt: z.number().optional(),
  refreshedAt: z.array(z.number()).readonly(),
  throttledUntil: z.number().optional(),
});

/** What is kept of a sign-in's access tokens. */
export type TokenRecord = z.infer<typeof cacheSchema>;

/** A file that processes share. */
export interface TokenCache {
  read(): Promise<TokenRecord>;
  write(record: TokenRecord): Promise<void>;
  remove(): Promise<void>;
  /** Runs work while no other process does. */
  locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface TokenCacheOptions {
  /** Called when another process has held the lock for a moment. */
  readonly onWait?: (() => void) | undefined;
  /** Called once, where nothing can be kept and `canDoWithout` is set. */
  readonly onUnkept?: ((because: string) => void) | undefined;
  /** A file that cannot be written is no failure: this process remembers by itself. */
  readonly canDoWithout: boolean;
}

/** Longer than a refresh with all its tries can take. */
const LOCK_WAIT_MS = 150_000;

export function tokenCache(path: string, { onWait, onUnkept, canDoWithout }: TokenCacheOptions): TokenCache {
  let remembered: TokenRecord | undefined;
  /** From here on nothing is written; every other failure stays one. */
  const goOnWithout = (error: unknown, record: TokenRecord): void => {
    if (!canDoWithout || !(error instanceof FileError)) throw error;
    remembered = record;
    onUnkept?.(error.message);
  };
  const read = async (): Promise<TokenRecord> => {
    if (remembered !== undefined) return remembered;
    // A damaged one holds nothing that could not be got anew.
    const parsed = cacheSchema.safeParse(await readPrivateJson(path).catch(() => undefined));
    return parsed.success ? parsed.data : { refreshedAt: [] };
  };
  return {
    read,
    async write(record) {
      if (remembered !== undefined) {
        remembered = record;
        return;
      }
      await writePrivateJson(path, record).catch((error: unknown) => goOnWithout(error, record));
    },
    remove: () => rm(path, { force: true }),
    async locked(work, signal) {
      let isEntered = remembered !== undefined;
      const enter = (): ReturnType<typeof work> => {
        isEntered = true;
        return work();
      };
      if (isEntered) return work();
      try {
        return await withFileLock(`${path}.lock`, { waitMs: LOCK_WAIT_MS, signal, onWait }, enter);
      } catch (error) {
        if (isEntered) throw error;
        goOnWithout(error, await read());
        return work();
      }
    },
  };
}
