import { z } from "zod";
import { UserError } from "../util/errors.ts";
import { isLocalUrl } from "../util/hosts.ts";
import { MAX_TIMER_MS, untilAborted, withTimeout } from "../util/timing.ts";
import { formatSpan } from "../util/units.ts";
import { REFRESH_WINDOW_MS, refreshAccess, ThrottledError, type TokenReply } from "./oauth.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import { type RefreshableAccess, type SignIn, signInAgain } from "./sign-in.ts";

export interface AccessToken {
  readonly value: string;
  /** The API host that Zoho named with the token. */
  readonly apiDomain?: string | undefined;
  /** Undefined for a token that the user gave. */
  readonly expiresAt?: Date;
  /** Granted scopes; undefined if Zoho did not name them. */
  readonly scopes?: readonly string[] | undefined;
}

/** Where the token of a sign-in is kept for all that share it: in a file, or in the store of an app. */
export interface TokenCache {
  /** `isStale`: the record that was read before is out of date. */
  read(isStale?: boolean): Promise<TokenRecord>;
  write(record: TokenRecord): Promise<void>;
  remove(): Promise<void>;
  /** Runs work while no other process or instance does, as far as the cache can lock. */
  locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface TokenPorts {
  readonly now: () => Date;
  readonly cache: TokenCache;
  /** Called with each token, to mask it in output. */
  readonly remember?: (secret: string) => void;
  /** How long a caller waits for the refresh of another one. Default: until it ends. */
  readonly shareMs?: number;
}

export type AccessTokens = ReturnType<typeof refreshableTokens>;

/** A token that expires sooner is not used: requests take time, and clocks differ. */
const CLOCK_TOLERANCE_MS = 60_000;

/** The access tokens of a sign-in: the cached one while it is good, then one refresh for all that share the cache. */
export function refreshableTokens(
  { now, cache, remember, shareMs = MAX_TIMER_MS }: TokenPorts,
  signIn: SignIn,
  { client, refreshToken }: RefreshableAccess,
  http: ZohoHttp,
) {
  const nowMs = (): number => now().getTime();
  const again = signInAgain(signIn);

  /** The cached token, unless it expires soon or is the rejected one. */
  const cached = async (rejected?: AccessToken, isStale = rejected !== undefined): Promise<AccessToken | undefined> => {
    const record = await cache.read(isStale);
    const { accessToken, expiresAt = 0, refreshedAt } = record;
    const now = nowMs();
    // A token from the future was made before the clock was set back, so its end is not known.
    const isFromFuture = refreshedAt.some((at) => at > now + CLOCK_TOLERANCE_MS);
    if (accessToken === undefined || accessToken === rejected?.value || isFromFuture) return undefined;
    return expiresAt - now < CLOCK_TOLERANCE_MS ? undefined : tokenOf(record);
  };
  const save = async (reply: TokenReply, refreshedAt: readonly number[], startedAt: number) => {
    const { accessToken, apiDomain, scopes, lifetimeMs } = reply;
    const record = { accessToken, apiDomain, scopes, expiresAt: startedAt + lifetimeMs, refreshedAt };
    await cache.write(record);
    return tokenOf(record);
  };
  const refresh = async (rejected: AccessToken | undefined, signal: AbortSignal | undefined): Promise<AccessToken> => {
    const token = await cached(rejected);
    if (token !== undefined) return token;
    const startedAt = nowMs();
    const record = await cache.read();
    const refreshedAt = recentRefreshes(record, startedAt);
    // An emulator is asked: its `advance` ends a limit early.
    if (!isLocalUrl(client.accountsUrl))
      requireBudget(refreshedAt, record.throttledUntil, startedAt, new URL(client.accountsUrl).host);
    try {
      const reply = await refreshAccess(http, client, refreshToken, { signal, again });
      return await save(reply, [...refreshedAt, startedAt], startedAt);
    } catch (error) {
      // A cache without a lock: another instance may have refreshed meanwhile, and its token must not be overwritten.
      const other = await cached(rejected, true);
      if (other !== undefined) return other;
      const throttled = error instanceof ThrottledError ? error : undefined;
      const throttledUntil = throttled && nowMs() + Math.min(throttled.pauseMs, MAX_PAUSE_MS);
      // A request that never reached Zoho, or that a 429 refused, does not count.
      const isUnsent = error instanceof UserError && error.code === "unreachable";
      const counted = isUnsent || throttled?.is429 === true ? [] : [startedAt];
      const last = await cache.read();
      const others = recentRefreshes(last, startedAt);
      // A throttle says nothing of the token, which may be good for other calls.
      const kept = throttled === undefined ? {} : last;
      await cache.write({ ...kept, refreshedAt: [...others, ...counted], throttledUntil });
      throw error;
    }
  };
  let running: { readonly done: Promise<AccessToken>; readonly signal: AbortSignal | undefined } | undefined;
  /** Shared by all callers of this process: many channels that fail at the same time cause one refresh. */
  const refreshOnce = async (rejected?: AccessToken, signal?: AbortSignal): Promise<AccessToken> => {
    for (;;) {
      const others = running;
      const mine = others ?? { done: cache.locked(() => refresh(rejected, signal), signal), signal };
      running = mine;
      try {
        const waitMs = others === undefined ? MAX_TIMER_MS : shareMs;
        const token = await withTimeout(waitMs, [signal], (until) => untilAborted(mine.done, until));
        if (others === undefined || token.value !== rejected?.value) return token;
      } catch (error) {
        // The caller that had started it was interrupted or takes too long: start again.
        const isOver =
          mine.signal?.aborted === true ||
          (others !== undefined && error instanceof Error && error.name === "TimeoutError");
        if (!isOver || signal?.aborted === true) throw error;
      } finally {
        if (running === mine) running = undefined;
      }
    }
  };

  const remembered = (token: AccessToken): AccessToken => {
    remember?.(token.value);
    return token;
  };
  return {
    /** The cached token, or a new one. */
    get: async (signal?: AbortSignal) => remembered((await cached()) ?? (await refreshOnce(undefined, signal))),
    /** Another token than the one that Zoho rejected. */
    replace: async (rejected: AccessToken, signal?: AbortSignal) =>
      remembered((await cached(rejected)) ?? (await refreshOnce(rejected, signal))),
    /** Caches the token that came with a sign-in, so that the first call needs no refresh. */
    store: (tokens: TokenReply): Promise<AccessToken> =>
      cache.locked(async () => {
        const now = nowMs();
        return save(tokens, [...(await cache.read()).refreshedAt, now], now);
      }),
    /** Deletes the cached token. */
    forget: (): Promise<void> => cache.locked(cache.remove),
  };
}

/** https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html */
const REFRESHES_PER_WINDOW = 10;
/** A longer `Retry-After` is cut, so that a clock that is set back does not prolong it without end. */
const MAX_PAUSE_MS = 3_600_000;

/** Refreshes in the last ten minutes. One in the future was recorded before the clock was set back, and is ignored. */
function recentRefreshes({ refreshedAt }: TokenRecord, now: number): readonly number[] {
  return refreshedAt.filter((at) => at > now - REFRESH_WINDOW_MS && at <= now);
}

/** Throws while the accounts server asked to wait, or if another refresh would exceed what Zoho allows. */
function requireBudget(refreshedAt: readonly number[], throttledUntil = 0, now: number, host: string): void {
  const refuse = (untilMs: number, message: (left: string) => string): void => {
    if (untilMs <= now || untilMs > now + MAX_PAUSE_MS) return;
    const leftMs = Math.ceil((untilMs - now) / 1000) * 1000;
    throw new ThrottledError(message(formatSpan(leftMs)), leftMs);
  };
  const oldest = refreshedAt.at(-REFRESHES_PER_WINDOW) ?? 0;
  refuse(
    oldest + REFRESH_WINDOW_MS,
    (left) =>
      `no new access token for another ${left}: Zoho grants ten per refresh token in ten minutes, and ten were requested`,
  );
  refuse(throttledUntil, (left) => `${host} rate-limited the sign-in: no new access token for another ${left}`);
}

export const recordSchema = z.object({
  accessToken: z.string().optional(),
  apiDomain: z.string().optional(),
  scopes: z.array(z.string()).readonly().optional(),
  /** Milliseconds since the epoch, like the others. */
  expiresAt: z.number().optional(),
  refreshedAt: z.array(z.number()).readonly(),
  throttledUntil: z.number().optional(),
});

export type TokenRecord = z.infer<typeof recordSchema>;

function tokenOf({ accessToken = "", apiDomain, expiresAt = 0, scopes }: TokenRecord) {
  return { value: accessToken, apiDomain, expiresAt: new Date(expiresAt), scopes };
}
