import { findWatchProduct, type WatchProduct } from "../../channels/watch-products.ts";
import { secret } from "../../delivery/secrets.ts";
import { type Sleep, untilAborted, withTimeout } from "../../util/timing.ts";
import { type ZohoApi, zohoApi } from "../../zoho-api/api.ts";
import { findDataCentre, findEnvironment, originOf } from "../../zoho-api/data-centres.ts";
import { retryingHttp } from "../../zoho-api/retrying-http.ts";
import { ENVIRONMENT, type SignIn } from "../../zoho-api/sign-in.ts";
import { type AccessTokens, refreshableTokens } from "../../zoho-api/token-refresh.ts";
import { asZohoError, timedOut } from "./errors.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { memoryStore } from "./memory-store.ts";
import { storedTokens } from "./stored-tokens.ts";
import type { ConnectOptions } from "./types.ts";
import { misuse, ZohoError } from "./zoho-error.ts";

/** The sign-in of an app, and calls with it. */
export type Connection = ReturnType<typeof openConnection>;

const TIMEOUT_MS = 25_000;
/** For one attempt at one request, so that a lost one leaves time for another. */
const ATTEMPT_MS = 10_000;
/** workerd may end a request of another caller, and with it the refresh that it had begun. */
const SHARE_MS = 10_000;

/** Shared by all connections without a store: a route that connects anew for each request must not refresh for each. */
const sharedStore = memoryStore();

/** Reads nothing of the options before the first call. */
export function openConnection(options: ConnectOptions, sleep: Sleep = sleepRealTime) {
  const { now = () => new Date(), timeoutMs = TIMEOUT_MS } = options;
  let opened: ReturnType<typeof open> | undefined;
  const open = () => {
    const signIn = signInOf(options);
    const http = retryingHttp({
      transport: fetchTransport(options.fetch),
      now,
      sleep,
      timeoutMs: Math.min(ATTEMPT_MS, timeoutMs),
    });
    const { access } = signIn;
    const { client, refreshToken } = access;
    const identity = [client.accountsUrl, client.clientId, refreshToken.reveal()].join("\n");
    const cache = storedTokens(options.store ?? sharedStore, identity, sleep);
    const tokens: AccessTokens = refreshableTokens({ now, cache, shareMs: SHARE_MS }, signIn, access, http);
    return { http, signIn, tokens };
  };
  /** What calls need. Throws for options that cannot work. */
  const ready = () => {
    opened ??= open();
    return opened;
  };

  return {
    ready,
    /** The API of a product. It does not know Zoho's time before its first answer. */
    api(id: string | undefined): { readonly api: ZohoApi; readonly product: WatchProduct } {
      const product = findWatchProduct(id ?? "crm");
      return { api: zohoApi({ ...ready(), product, now }), product };
    },
    /** Runs a call within the time limit, or what is left of it since `startedAt`. */
    async run<T>(
      given: AbortSignal | undefined,
      work: (signal: AbortSignal) => Promise<T>,
      { startedAt = performance.now(), resume = (): string | undefined => undefined } = {},
    ): Promise<T> {
      const leftMs = startedAt + timeoutMs - performance.now();
      if (leftMs <= 0) throw timedOut(timeoutMs, resume());
      try {
        return await withTimeout(leftMs, [given], (signal) => untilAborted(work(signal), signal));
      } catch (error) {
        if (given?.aborted) throw given.reason;
        const isOver = performance.now() >= startedAt + timeoutMs && !(error instanceof ZohoError);
        throw isOver && isTimeout(error) ? timedOut(timeoutMs, resume()) : asZohoError(error, resume());
      }
    },
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

function signInOf({ clientId, clientSecret, refreshToken, dc, environment = "production", ...hosts }: ConnectOptions) {
  const given = { clientId, clientSecret, refreshToken, dc };
  const missing = Object.entries(given).flatMap(([name, value]) => (value?.trim() ? [] : [name]));
  if (!clientId || !clientSecret || !refreshToken || !dc || missing.length > 0)
    throw misuse(
      `connectZoho has no ${missing.join(", ")}`,
      `set what it is given in the environment of the deployment, such as ${missing.map(variableOf).join(", ")}`,
    );
  const centre = findDataCentre(dc.trim());
  const accountsUrl = hosts.accountsUrl ? originOf("accountsUrl", hosts.accountsUrl) : centre.accountsUrl;
  const apiUrl = hosts.apiUrl ? originOf("apiUrl", hosts.apiUrl) : undefined;
  return {
    name: ENVIRONMENT,
    centre,
    environment: findEnvironment(environment),
    hosts: { accountsUrl, apiUrl },
    scopes: [],
    access: {
      kind: "refreshable",
      client: { accountsUrl, clientId: clientId.trim(), clientSecret: secret(clientSecret.trim(), "clientSecret") },
      refreshToken: secret(refreshToken.trim(), "refreshToken"),
    },
  } as const satisfies SignIn;
}

/** `clientId` is ZOHO_CLIENT_ID in the examples of the documentation. */
function variableOf(option: string): string {
  return `ZOHO_${option.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** As that of util/timing.ts, without Node's timers. */
const sleepRealTime: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    signal?.addEventListener("abort", done, { once: true });
  });
