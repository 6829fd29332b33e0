import { createHash, randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { maskUrl } from "../delivery/mask.ts";
import { errorText, orUndefined } from "../util/errors.ts";
import { type FileLock, tryFileLock, withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import type { Context } from "./context.ts";
import type { Config } from "./load.ts";

/** Address and token of the inspector of a log. */
export interface Access {
  readonly port: number;
  readonly token: string;
}

const LOCK_STALE_MS = 60_000;
const LOCK_TIMEOUT_MS = 5000;
const TOKEN_BYTES = 16;

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

export function addressOf({ port, token }: Access): string {
  return `http://127.0.0.1:${port}/#${token}`;
}

/** Where programs reach the inspector, and what they send as `Authorization: Bearer`. */
export interface ApiAccess {
  /** `http://127.0.0.1:4470/v1` */
  readonly url: string;
  readonly token: string;
}

/** The API at the inspector's address. */
export function apiAt(address: string): ApiAccess {
  const { origin, hash } = new URL(address);
  return { url: `${origin}/v1`, token: hash.slice(1) };
}

/** The remembered accesses, in the user's folder: others may know what is in a project. */
export function openAccesses(context: Context, config: Config) {
  const path = join(context.userFolder, "inspectors.json");
  const key = logPlace(config);
  const read = async (): Promise<Readonly<Record<string, Access>>> => {
    const access = z.object({ port: z.int().min(1).max(65_535), token: z.string().regex(/^[\w-]{22}$/) });
    const file = z.record(z.string(), access);
    return file.safeParse(await readPrivateJson(path).catch(() => undefined)).data ?? {};
  };
  return {
    own: async () => (await read())[key],
    /** The ports of the inspectors of other logs, which may not run now. */
    otherPorts: async () => Object.entries(await read()).flatMap(([of, { port }]) => (of === key ? [] : [port])),
    async remember(access: Access): Promise<void> {
      try {
        await withFileLock(`${path}.lock`, { waitMs: LOCK_TIMEOUT_MS }, async () =>
          writePrivateJson(path, { ...(await read()), [key]: access }),
        );
      } catch (error) {
        const message = `the inspector will have another address next time: ${errorText(error)}`;
        context.report({ type: "warning", message });
      }
    },
    /** Held as long as an inspector of the log runs; undefined if another one does. */
    async lock(): Promise<Pick<FileLock, "release"> | undefined> {
      const name = createHash("sha256").update(key).digest("hex").slice(0, 16);
      return tryFileLock(join(context.userFolder, `inspector-${name}.lock`), LOCK_STALE_MS);
    },
  };
}

/** An inspector shows one log. */
function logPlace({ root, settings: { store } }: Config): string {
  // A server's address may have a password.
  const path = resolve(realpathSync(root), maskUrl(String(store)));
  return orUndefined(() => realpathSync(path)) ?? path;
}
