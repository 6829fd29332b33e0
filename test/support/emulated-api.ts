import { fileURLToPath } from "node:url";
import { type Emulator, type EmulatorOptions, openEmulator } from "../../src/emulator/emulator.ts";
import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

export interface ApiAnswer {
  readonly status: number;
  /** Undefined for an empty body. */
  // biome-ignore lint/suspicious/noExplicitAny: the answers of many APIs
  readonly body: any;
}

/** A text and a form are sent as they are, anything else as JSON. */
type ApiCall = [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>];

/** A client of an emulator with one access token. */
export interface EmulatedApi {
  readonly zoho: ZohoServer;
  call(...request: ApiCall): Promise<ApiAnswer>;
  /** The same client with a token of other scopes. */
  withScopes(...scopes: readonly string[]): EmulatedApi;
}

const ALL = ["ZohoCRM", "ZohoBigin", "ZohoRecruit"].flatMap((product) =>
  ["modules", "settings", "users", "org", "notifications"].map((each) => `${product}.${each}.ALL`),
);

export async function startEmulatedApi(now?: () => Date): Promise<EmulatedApi> {
  return client(await startZohoServer(now), ALL);
}

export interface EmulatorApi extends Emulator {
  call(...request: ApiCall): Promise<ApiAnswer>;
}

/** An emulator of its own, with a client that has a token of the scopes for each call: a reset revokes those before it. */
export async function openEmulatorApi(
  scopes: readonly string[],
  options: Partial<EmulatorOptions> = {},
): Promise<EmulatorApi> {
  const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
  const emulator = await openEmulator({ port: 0, packageRoot, env: {}, ...options });
  return {
    ...emulator,
    call: (...request) => callApi(emulator.url, emulator.accounts.makeAccessToken(scopes), ...request),
  };
}

function client(zoho: ZohoServer, scopes: readonly string[]): EmulatedApi {
  const token = zoho.accounts.makeAccessToken(scopes);
  return {
    zoho,
    call: (...request) => callApi(zoho.url, token, ...request),
    withScopes: (...others) => client(zoho, others),
  };
}

async function callApi(url: string, token: string, ...[method, path, body, headers = {}]: ApiCall): Promise<ApiAnswer> {
  const isWhole = body === undefined || typeof body === "string" || body instanceof FormData;
  const sent = isWhole ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Zoho-oauthtoken ${token}`, ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const answer = await response.text();
  return { status: response.status, body: answer === "" ? undefined : JSON.parse(answer) };
}

/** A value that cannot be made a text or a number. */
const STUBBORN = { toString: 1, valueOf: 1, toJSON: 1 };

/** Copies of a body, each with a member replaced by a value of another type, however deep it is. */
export function* distortions(body: unknown): Generator<unknown> {
  yield* [null, 1e300, "__proto__", [], [STUBBORN], STUBBORN];
  if (typeof body !== "object" || body === null) return;
  for (const [name, member] of Object.entries(body))
    for (const distorted of distortions(member))
      yield Array.isArray(body) ? body.toSpliced(Number(name), 1, distorted) : { ...body, [name]: distorted };
}
