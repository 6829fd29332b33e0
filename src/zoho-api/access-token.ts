import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Context } from "../project/context.ts";
import { UserError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { FileError, readPrivateJson, writePrivateJson } from "../util/files.ts";
import { untilAborted } from "../util/timing.ts";
import { formatSpan } from "../util/units.ts";
import type { ZohoHttp } from "./http.ts";
import { REFRESH_WINDOW_MS, refreshAccess, ThrottledError, type TokenReply } from "./oauth.ts";
import { type FixedAccess, type RefreshableAccess, type SignIn, signInAgain, signInError } from "./sign-in.ts";

export interface AccessToken {
  readonly value: string;
  /** The API host that Zoho named with the token. */
  readonly apiDomain?: string | undefined;
  /** Undefined for a token that the user gave. */
  readonly expiresAt?: Date;
  /** Granted scopes; undefined if Zoho did not name them. */
  readonly scopes?: readonly string[] | undefined;
}

export type AccessTokens = ReturnType<typeof refreshableTokens>;

type TokenContext = Pick<Context, "now" | "report" | "knownSecrets" | "userFolder">;

/**
 * The access tokens of a sign-in. Processes share them through a file, so that all refresh once, within Zoho's limit. Reports
 * what delays them.
 */
export function accessTokens(context: TokenContext, signIn: SignIn, http: ZohoHttp): AccessTokens {
  const { access, centre } = signIn;
  return access.kind === "fixed" ? fixedToken(access, centre.id) : refreshableTokens(context, signIn, access, http);
}

function fixedToken({ accessToken }: FixedAccess, centre: string): AccessTokens {
  const token = { value: accessToken.reveal() };
  return {
    get: async () => token,
    async replace() {
      throw signInError(
        `Zoho rejects the access token of ${accessToken.origin}: it has expired (tokens last an hour), or it does not belong to the data centre ${centre}`,
        "set ZOHO_DC to the data centre; or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN instead, so that zoho-hooks can get new tokens",
        "invalid_token",
      );
    },
    store: async () => token,
    forget: async () => undefined,
  };
}

/** A token that expires sooner is not used: requests take time, and clocks differ. */
const CLOCK_TOLERANCE_MS = 60_000;

function refreshableTokens(
  context: TokenContext,
  signIn: SignIn,
  { client, refreshToken }: RefreshableAccess,
  http: ZohoHttp,
) {
  const nowMs = (): number => context.now().getTime();
  const again = signInAgain(signIn);
  const key = createHash("sha256")
    .update([client.accountsUrl, client.clientId, refreshToken.reveal()].join("\n"))
    .digest("hex")
    .slice(0, 32);
  const cache = tokenCache(context, join(context.userFolder, "tokens", `${key}.json`), signIn);

  /** The cached token, unless it expires soon or is the rejected one. */
  const cached = async (rejected?: AccessToken): Promise<AccessToken | undefined> => {
    const record = await cache.read();
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
    requireBudget(refreshedAt, record.throttledUntil, startedAt, new URL(client.accountsUrl).host);
    try {
      const reply = await refreshAccess(http, client, refreshToken, { signal, again });
      return await save(reply, [...refreshedAt, startedAt], startedAt);
    } catch (error) {
      const throttled = error instanceof ThrottledError ? error : undefined;
      const throttledUntil = throttled && nowMs() + Math.min(throttled.pauseMs, MAX_PAUSE_MS);
      // A request that never reached Zoho, or that a 429 refused, does not count.
      const isUnsent = error instanceof UserError && error.code === "unreachable";
      const counted = isUnsent || throttled?.is429 === true ? [] : [startedAt];
      await cache.write({ refreshedAt: [...refreshedAt, ...counted], throttledUntil });
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
        const token = await (signal === undefined ? mine.done : untilAborted(mine.done, signal));
        if (others === undefined || token.value !== rejected?.value) return token;
      } catch (error) {
        // Only the caller that had started it was interrupted: start again.
        if (mine.signal?.aborted !== true || signal?.aborted === true) throw error;
      } finally {
        if (running === mine) running = undefined;
      }
    }
  };

  const remembered = (token: AccessToken): AccessToken => {
    context.knownSecrets.remember(token.value);
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
    const left = formatSpan(Math.ceil((untilMs - now) / 1000) * 1000);
    throw signInError(message(left), `wait ${left}, then try again`, "token_throttled");
  };
  const oldest = refreshedAt.at(-REFRESHES_PER_WINDOW) ?? 0;
  refuse(
    oldest + REFRESH_WINDOW_MS,
    (left) =>
      `no new access token for another ${left}: Zoho grants ten per refresh token in ten minutes, and ten were requested`,
  );
  refuse(throttledUntil, (left) => `${host} rate-limited the sign-in: no new access token for another ${left}`);
}

const recordSchema = z.object({
  accessToken: z.string().optional(),
  apiDomain: z.string().optional(),
  scopes: z.array(z.string()).readonly().optional(),
  /** Milliseconds since the epoch, like the others. */
  expiresAt: z.number().optional(),
  refreshedAt: z.array(z.number()).readonly(),
  throttledUntil: z.number().optional(),
});

type TokenRecord = z.infer<typeof recordSchema>;

function tokenOf({ accessToken = "", apiDomain, expiresAt = 0, scopes }: TokenRecord) {
  return { value: accessToken, apiDomain, expiresAt: new Date(expiresAt), scopes };
}

/** Longer than a refresh with all its retries can take. */
const LOCK_TIMEOUT_MS = 150_000;

/** A file that processes share, behind a lock. */
function tokenCache({ report }: TokenContext, path: string, signIn: SignIn) {
  /** In place of a file that cannot be written: a CI job has its sign-in in the environment, and refreshes once a run. */
  let inMemory: TokenRecord | undefined;
  const continueInMemory = (error: unknown, record: TokenRecord): void => {
    if (signIn.name !== "environment" || !(error instanceof FileError)) throw error;
    inMemory = record;
    report({
      type: "warning",
      message: `the access token cannot be saved, so each command needs a new one, and Zoho grants ten in ten minutes: ${error.message}`,
      hint: "set XDG_CONFIG_HOME (APPDATA on Windows) to a folder that can be written to",
    });
  };
  const read = async (): Promise<TokenRecord> => {
    if (inMemory !== undefined) return inMemory;
    // A damaged file holds nothing that cannot be fetched again.
    const parsed = recordSchema.safeParse(await readPrivateJson(path).catch(() => undefined));
    return parsed.success ? parsed.data : { refreshedAt: [] };
  };
  return {
    read,
    async write(record: TokenRecord): Promise<void> {
      if (inMemory !== undefined) inMemory = record;
      else await writePrivateJson(path, record).catch((error: unknown) => continueInMemory(error, record));
    },
    remove: () => rm(path, { force: true }),
    /** Runs work while no other process does. */
    async locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      if (inMemory !== undefined) return work();
      const onWait = (): void => {
        const message = "waiting for another zoho-hooks process that is getting an access token for this sign-in";
        report({ type: "notice", message });
      };
      let isEntered = false;
      const enter = (): Promise<T> => {
        isEntered = true;
        return work();
      };
      try {
        return await withFileLock(`${path}.lock`, { waitMs: LOCK_TIMEOUT_MS, signal, onWait }, enter);
      } catch (error) {
        if (isEntered) throw error;
        continueInMemory(error, await read());
        return work();
      }
    },
  };
}
