import { fileURLToPath } from "node:url";
import type { ApiRecord } from "../../src/emulator/answer.ts";
import { type Emulator, type EmulatorOptions, openEmulator } from "../../src/emulator/emulator.ts";

export interface ApiReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: The answers of many APIs.
  readonly body: any;
}

/** Calls an API; an object is sent as JSON, anything else as it is. */
type Call = (
  method: string,
  path: string,
  body?: object | string | FormData,
  headers?: Readonly<Record<string, string>>,
) => Promise<ApiReply>;

export interface EmulatorApi extends Emulator {
  /** With a token of the scopes that it was opened with. */
  readonly call: Call;
  /** With a token of other scopes. */
  callWith(...scopes: readonly string[]): Call;
  /** Creates a record as a user of the product would. */
  create(product: string, module: string, data: Readonly<Record<string, unknown>>): ApiRecord;
}

/** An emulator at a free port, and a client that is signed in with the scopes. */
export async function openEmulatorApi(
  scopes: readonly string[],
  options: Partial<EmulatorOptions> = {},
): Promise<EmulatorApi> {
  const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
  const emulator = await openEmulator({ port: 0, packageRoot, env: {}, ...options });
  return {
    ...emulator,
    call: callOf(emulator, scopes),
    callWith: (...others) => callOf(emulator, others),
    create: creatorOf(emulator),
  };
}

export function creatorOf({ stores }: Pick<Emulator, "stores">): EmulatorApi["create"] {
  return (product, module, data) => {
    const store = stores.find((each) => each.product === product);
    if (store === undefined) throw new Error(`${product} has no records`);
    return store.create(module, data);
  };
}

function callOf({ accounts, url }: Emulator, scopes: readonly string[]): Call {
  return async (method, path, body, headers = {}) => {
    // A new one for each call, as a reset of the emulator revokes those before it.
    const token = accounts.makeAccessToken(scopes);
    const isJson = typeof body === "object" && !(body instanceof FormData);
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Zoho-oauthtoken ${token}`,
        ...(isJson && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  };
}
