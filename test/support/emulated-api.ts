import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

interface ApiAnswer {
  readonly status: number;
  /** Undefined for an empty body. */
  // biome-ignore lint/suspicious/noExplicitAny: the answers of many APIs
  readonly body: any;
}

/** A client of an emulator with one access token. */
export interface EmulatedApi {
  readonly zoho: ZohoServer;
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  /** The same client with a token of other scopes. */
  withScopes(...scopes: readonly string[]): EmulatedApi;
}

const ALL = ["ZohoCRM", "ZohoBigin", "ZohoRecruit"].flatMap((product) =>
  ["modules", "settings", "users", "org", "notifications"].map((each) => `${product}.${each}.ALL`),
);

export async function startEmulatedApi(now?: () => Date): Promise<EmulatedApi> {
  return client(await startZohoServer(now), ALL);
}

function client(zoho: ZohoServer, scopes: readonly string[]): EmulatedApi {
  const token = zoho.accounts.makeAccessToken(scopes);
  return {
    zoho,
    async call(method, path, body, headers = {}) {
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const response = await fetch(`${zoho.url}${path}`, {
        method,
        headers: { authorization: `Zoho-oauthtoken ${token}`, ...headers },
        ...(text === undefined ? {} : { body: text }),
      });
      const answer = await response.text();
      return { status: response.status, body: answer === "" ? undefined : JSON.parse(answer) };
    },
    withScopes: (...others) => client(zoho, others),
  };
}
