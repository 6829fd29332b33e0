import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../project/context.ts";
import { withFileLock } from "../util/file-lock.ts";
import { FileError, readPrivateJson, writePrivateJson } from "../util/files.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import { type FixedAccess, type RefreshableAccess, type SignIn, signInError } from "./sign-in.ts";
import {
  type AccessTokens,
  recordSchema,
  refreshableTokens,
  type TokenCache,
  type TokenRecord,
} from "./token-refresh.ts";

type TokenContext = Pick<Context, "now" | "report" | "knownSecrets" | "userFolder">;

/**
 * The access tokens of a sign-in. Processes share them through a file, so that all refresh once, within Zoho's limit. Reports
 * what delays them.
 */
export function accessTokens(context: TokenContext, signIn: SignIn, http: ZohoHttp): AccessTokens {
  const { access, centre } = signIn;
  return access.kind === "fixed" ? fixedToken(access, centre.id) : refreshableFile(context, signIn, access, http);
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

function refreshableFile(context: TokenContext, signIn: SignIn, access: RefreshableAccess, http: ZohoHttp) {
  const { client, refreshToken } = access;
  const key = createHash("sha256")
    .update([client.accountsUrl, client.clientId, refreshToken.reveal()].join("\n"))
    .digest("hex")
    .slice(0, 32);
  const cache = tokenCache(context, join(context.userFolder, "tokens", `${key}.json`), signIn);
  const remember = (token: string): void => context.knownSecrets.remember(token);
  return refreshableTokens({ now: context.now, cache, remember }, signIn, access, http);
}

/** Longer than a refresh with all its retries can take. */
const LOCK_TIMEOUT_MS = 150_000;

/** A file that processes share, behind a lock. */
function tokenCache({ report }: TokenContext, path: string, signIn: SignIn): TokenCache {
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
