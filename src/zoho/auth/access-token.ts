import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../util/errors.ts";
import { withFileLock } from "../../util/file-lock.ts";
import { FileError, readPrivateJson, writePrivateJson } from "../../util/files.ts";
import { untilAborted } from "../../util/timing.ts";
import type { ZohoHttp } from "../http.ts";
import { refreshAccess, ThrottledError, type TokenReply } from "./oauth.ts";
import { type RefreshableAccess, type SignIn, type SignInAgain, signInAgain } from "./sign-in.ts";

export interface AccessToken {
  readonly value: string;
  /** The API host that Zoho named with the token. */
  readonly apiDomain: string | undefined;
  /** Undefined for a token that was given and not made. */
  readonly expiresAt: Date | undefined;
  /** What Zoho says that it opens; undefined where Zoho does not say. */
  readonly scopes: readonly string[] | undefined;
}

export interface AccessTokens {
  /** A token that should work: the cached one, or a new one. */
  get(signal?: AbortSignal): Promise<AccessToken>;
  /** A token other than one that Zoho has refused. */
  replace(refused: AccessToken, signal?: AbortSignal): Promise<AccessToken>;
  /** Keeps the token that a sign-in brought along, so that the first call needs no refresh. */
  keep(tokens: TokenReply): Promise<void>;
  /** Deletes what is kept of them on this machine. */
  forget(): Promise<void>;
}

interface TokenOptions extends Pick<TokenCacheOptions, "onWait" | "onUnkept"> {
  readonly signIn: SignIn;
  readonly folder: string;
  readonly http: ZohoHttp;
  readonly now: () => Date;
}

/** https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html */
const REFRESHES_PER_WINDOW = 10;
const WINDOW_MS = 600_000;
/** A token that ends sooner is not used: a request takes time, and clocks differ. */
const LEEWAY_MS = 60_000;

/**
 * Access tokens of a sign-in, shared with every other process through a file of their own: a refresh happens once for
 * all of them, and no oftener than Zoho allows.
 */
export function accessTokens(options: TokenOptions): AccessTokens {
  const { access } = options.signIn;
  if (access.kind === "refreshable") return refreshed({ ...options, access });
  const token: AccessToken = {
    value: access.accessToken.reveal(),
    apiDomain: undefined,
    expiresAt: undefined,
    scopes: undefined,
  };
  return {
    get: async () => token,
    replace: async () => {
      throw new UserError(
        "credentials",
        `Zoho refuses the access token of ${access.accessToken.origin}: it has expired (they last an hour), or it does not belong to the data centre ${options.signIn.centre.id}`,
        "name the data centre in ZOHO_DC; or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN instead, so that zoho-hooks gets new tokens as needed",
        "invalid_token",
      );
    },
    keep: async () => undefined,
    forget: async () => undefined,
  };
}

function refreshed(options: TokenOptions & { readonly access: RefreshableAccess }): AccessTokens {
  const { client, refreshToken } = options.access;
  const again = signInAgain(options.signIn);
  const key = createHash("sha256")
    .update([client.accountsUrl, client.clientId, refreshToken.reveal()].join("\n"))
    .digest("hex")
    .slice(0, 32);
  // A job of CI, in a container whose disk is read-only, has its sign-in with it and needs no file: it asks once a run.
  const canDoWithout = options.signIn.name === "environment";
  const cache = tokenCache(join(options.folder, "tokens", `${key}.json`), { ...options, canDoWithout });

  const usable = (kept: TokenRecord, refused?: AccessToken): AccessToken | undefined => {
    const { accessToken, apiDomain, expiresAt, scopes } = kept;
    if (accessToken === undefined || expiresAt === undefined || accessToken === refused?.value) return undefined;
    const now = options.now().getTime();
    // Made in the future, it was made before the clock was set back: when it ends is not known any more.
    if (expiresAt - now < LEEWAY_MS || kept.refreshedAt.some((at) => at > now + LEEWAY_MS)) return undefined;
    return { value: accessToken, apiDomain, expiresAt: new Date(expiresAt), scopes };
  };
  const refresh = (refused: AccessToken | undefined, signal: AbortSignal | undefined): Promise<AccessToken> => {
    const work = async (): Promise<AccessToken> => {
      const kept = await cache.read();
      const present = usable(kept, refused);
      if (present !== undefined) return present;
      const startedAt = options.now().getTime();
      const refreshedAt = refreshesBefore(startedAt, kept);
      refuseTooMany(refreshedAt, kept.throttledUntil, startedAt, again);
      try {
        const reply = await refreshAccess(options.http, client, refreshToken, { signal, again });
        return await store(reply, [...refreshedAt, startedAt], startedAt);
      } catch (error) {
        const throttledUntil = error instanceof ThrottledError ? startedAt + WINDOW_MS : undefined;
        // What never reached Zoho is none of the ten.
        const asked = error instanceof UserError && error.code === "unreachable" ? [] : [startedAt];
        await cache.write({ refreshedAt: [...refreshedAt, ...asked], throttledUntil });
        throw error;
      }
    };
    return cache.locked(work, signal);
  };
  let running: { readonly done: Promise<AccessToken>; readonly signal: AbortSignal | undefined } | undefined;
  /** Once for all who ask in this process: many channels that fail at once are one refresh, and not many. */
  const refreshOnce = async (refused?: AccessToken, signal?: AbortSignal): Promise<AccessToken> => {
    for (;;) {
      const others = running;
      const mine = others ?? { done: refresh(refused, signal), signal };
      running = mine;
      try {
        const token = await (signal === undefined ? mine.done : untilAborted(mine.done, signal));
        if (others === undefined || token.value !== refused?.value) return token;
      } catch (error) {
        // It ended for another's sake, who was interrupted.
        if (mine.signal?.aborted !== true || signal?.aborted === true) throw error;
      } finally {
        if (running === mine) running = undefined;
      }
    }
  };
  const store = async (reply: TokenReply, refreshedAt: readonly number[], startedAt: number): Promise<AccessToken> => {
    const expiresAt = startedAt + reply.lifetimeMs;
    const { accessToken, apiDomain, scopes } = reply;
    await cache.write({ accessToken, apiDomain, scopes, expiresAt, refreshedAt });
    return { value: accessToken, apiDomain, expiresAt: new Date(expiresAt), scopes };
  };

  return {
    get: async (signal) => usable(await cache.read()) ?? refreshOnce(undefined, signal),
    replace: async (refused, signal) => usable(await cache.read(), refused) ?? refreshOnce(refused, signal),
    keep: async (tokens) => {
      const now = options.now().getTime();
      await cache.locked(async () => {
        await store(tokens, [...(await cache.read()).refreshedAt, now], now);
      });
    },
    forget: () => cache.locked(cache.remove),
  };
}

/** Those of the last ten minutes. One that lies ahead was written before the clock was set back, and says nothing. */
function refreshesBefore(now: number, { refreshedAt }: TokenRecord): readonly number[] {
  return refreshedAt.filter((at) => at > now - WINDOW_MS && at <= now);
}

function refuseTooMany(
  refreshedAt: readonly number[],
  throttledUntil: number | undefined,
  now: number,
  { how }: SignInAgain,
): void {
  const oldest = refreshedAt.at(-REFRESHES_PER_WINDOW);
  const until = Math.max(oldest === undefined ? 0 : oldest + WINDOW_MS, throttledUntil ?? 0);
  if (until <= now || until > now + WINDOW_MS) return;
  throw new UserError(
    "credentials",
    `no new access token for another ${Math.ceil((until - now) / 1000)} s: Zoho gives out ten per refresh token in ten minutes, and blocks those who ask for more`,
    `wait; if the tokens are still refused then, the sign-in belongs to another data centre or was revoked: ${how}`,
    "token_throttled",
  );
}

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
type TokenRecord = z.infer<typeof cacheSchema>;

/** A file that processes share. */
interface TokenCache {
  read(): Promise<TokenRecord>;
  write(record: TokenRecord): Promise<void>;
  remove(): Promise<void>;
  /** Runs work while no other process does. */
  locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

interface TokenCacheOptions {
  /** Called when another process has held the lock for a moment. */
  readonly onWait?: (() => void) | undefined;
  /** Called once, where nothing can be kept and `canDoWithout` is set. */
  readonly onUnkept?: ((because: string) => void) | undefined;
  /** A file that cannot be written is no failure: this process remembers by itself. */
  readonly canDoWithout: boolean;
}

/** Longer than a refresh with all its tries can take. */
const LOCK_WAIT_MS = 150_000;

function tokenCache(path: string, { onWait, onUnkept, canDoWithout }: TokenCacheOptions): TokenCache {
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
