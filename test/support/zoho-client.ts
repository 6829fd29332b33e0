import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type WatchClient, watchClient } from "../../src/channels/client.ts";
import { findWatchProduct } from "../../src/channels/products.ts";
import { secret } from "../../src/delivery/secret.ts";
import { type AccessTokens, accessTokens } from "../../src/zoho-api/access-token.ts";
import { type ZohoApi, zohoApi } from "../../src/zoho-api/api.ts";
import { findDataCentre } from "../../src/zoho-api/data-centres.ts";
import { createHttp, type Exchange, type HttpOptions, type ZohoHttp } from "../../src/zoho-api/http.ts";
import type { SignIn } from "../../src/zoho-api/sign-in.ts";
import { TestClock } from "./test-clock.ts";
import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

export const ALL_SCOPES = [
  "ZohoCRM.notifications.ALL",
  "ZohoCRM.settings.modules.READ",
  "ZohoCRM.settings.fields.READ",
  "ZohoCRM.modules.READ",
  "ZohoBigin.notifications.ALL",
  "ZohoRecruit.notifications.ALL",
];

/** A client of a strict server: real requests, a real token file, a clock that the test moves. */
export interface Rig {
  readonly server: ZohoServer;
  readonly clock: TestClock;
  readonly folder: string;
  readonly http: ZohoHttp;
  readonly signIn: SignIn;
  readonly tokens: AccessTokens;
  readonly exchanges: readonly Exchange[];
  api(product?: string): ZohoApi;
  client(product?: string): WatchClient;
  close(): Promise<void>;
}

export async function startRig(
  options: { scopes?: readonly string[]; http?: Partial<HttpOptions>; refreshToken?: string } = {},
): Promise<Rig> {
  const clock = new TestClock();
  const server = await startZohoServer(clock.now);
  const folder = await temporaryFolder();
  const exchanges: Exchange[] = [];
  const http = createHttp({
    env: {},
    sleep: clock.sleep,
    random: () => 0.5,
    onExchange: (exchange) => exchanges.push(exchange),
    ...options.http,
  });
  const refreshToken = options.refreshToken ?? server.accounts.makeRefreshToken(options.scopes ?? ALL_SCOPES);
  const signIn = signInTo(server, refreshToken);
  const tokens = accessTokens({ signIn, folder, http, now: clock.now });
  const api = (id = "crm"): ZohoApi => zohoApi({ http, tokens, signIn, product: findWatchProduct(id), now: clock.now });
  return {
    server,
    clock,
    folder,
    http,
    signIn,
    tokens,
    exchanges,
    api,
    client: (id = "crm") => watchClient(api(id), findWatchProduct(id)),
    close: async () => {
      await http.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function signInTo(server: ZohoServer, refreshToken: string): SignIn {
  return {
    name: "test",
    centre: findDataCentre("us"),
    environment: "production",
    hosts: { accountsUrl: server.url, apiUrl: server.url },
    scopes: [],
    access: {
      kind: "refreshable",
      client: {
        accountsUrl: server.url,
        clientId: server.accounts.clientId,
        clientSecret: secret(server.accounts.clientSecret, "test"),
      },
      refreshToken: secret(refreshToken, "test"),
    },
  };
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "zoho-hooks-test-"));
}

/** The error of a promise that must fail. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; exitCode?: number; hint?: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("It was expected to fail.");
}
