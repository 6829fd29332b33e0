import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type WatchClient, watchClient } from "../../src/channels/client.ts";
import { findWatchProduct } from "../../src/channels/watch-products.ts";
import { KnownSecrets, secret } from "../../src/delivery/secrets.ts";
import type { Sleep } from "../../src/util/timing.ts";
import { accessTokens } from "../../src/zoho-api/access-token.ts";
import { type ZohoApi, zohoApi } from "../../src/zoho-api/api.ts";
import { findDataCentre } from "../../src/zoho-api/data-centres.ts";
import { zohoHttp } from "../../src/zoho-api/http.ts";
import type { ApiRequestLine } from "../../src/zoho-api/lines.ts";
import type { ZohoHttp } from "../../src/zoho-api/retrying-http.ts";
import type { SignIn } from "../../src/zoho-api/sign-in.ts";
import type { AccessTokens } from "../../src/zoho-api/token-refresh.ts";
import { TestClock } from "./test-clock.ts";
import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

export const ALL_SCOPES = [
  "ZohoCRM.notifications.ALL",
  "ZohoCRM.settings.modules.READ",
  "ZohoCRM.settings.fields.READ",
  "ZohoCRM.modules.READ",
  "ZohoBigin.notifications.ALL",
  "ZohoBigin.modules.READ",
  "ZohoRecruit.notifications.ALL",
];

/** The part of a context that reads and writes of a sign-in need. */
type RigContext = Parameters<typeof accessTokens>[0] & Parameters<typeof zohoHttp>[0];

/** A client of a strict server: real requests, a real token file, a clock that the test moves. */
export interface Rig {
  readonly server: ZohoServer;
  readonly clock: TestClock;
  /** The user's folder. */
  readonly folder: string;
  readonly context: RigContext;
  readonly http: ZohoHttp;
  readonly signIn: SignIn;
  readonly tokens: AccessTokens;
  /** The requests that were sent, as `--verbose` shows them. */
  readonly exchanges: readonly ApiRequestLine[];
  api(product?: string): ZohoApi;
  client(product?: string): WatchClient;
  close(): Promise<void>;
}

export async function startRig(
  options: { scopes?: readonly string[]; sleep?: Sleep; timeoutMs?: number } = {},
): Promise<Rig> {
  const clock = new TestClock();
  const server = await startZohoServer(clock.now);
  const userFolder = await temporaryFolder();
  const exchanges: ApiRequestLine[] = [];
  const context: RigContext = {
    userFolder,
    now: clock.now,
    sleep: options.sleep ?? clock.sleep,
    verbose: true,
    report: (report) => void (report.type === "api_request" && exchanges.push(report)),
    knownSecrets: new KnownSecrets(),
  };
  const http = atServer(server, zohoHttp(context, { env: {} }, options.timeoutMs));
  const signIn = signInTo(server, server.accounts.makeRefreshToken(options.scopes ?? ALL_SCOPES));
  const tokens = accessTokens(context, signIn, http);
  const api = (id = "crm"): ZohoApi => zohoApi({ http, tokens, signIn, product: findWatchProduct(id), now: clock.now });
  return {
    server,
    clock,
    folder: userFolder,
    context,
    http,
    signIn,
    tokens,
    exchanges,
    api,
    client: (id = "crm") => watchClient(api(id), findWatchProduct(id)),
    close: async () => {
      await http.close();
      await server.close();
      await rm(userFolder, { recursive: true, force: true });
    },
  };
}

/** Not on this machine, where no limit of the accounts server is remembered. Its requests go to the server of the test. */
const ACCOUNTS_URL = "https://accounts.example.com";

function atServer(server: ZohoServer, http: ZohoHttp): ZohoHttp {
  return { ...http, send: (request) => http.send({ ...request, url: request.url.replace(ACCOUNTS_URL, server.url) }) };
}

function signInTo(server: ZohoServer, refreshToken: string): SignIn {
  return {
    name: "test",
    centre: findDataCentre("us"),
    environment: "production",
    hosts: { accountsUrl: ACCOUNTS_URL, apiUrl: server.url },
    scopes: [],
    access: {
      kind: "refreshable",
      client: {
        accountsUrl: ACCOUNTS_URL,
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
