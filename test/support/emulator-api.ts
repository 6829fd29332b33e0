import { fileURLToPath } from "node:url";
import { type Emulator, type EmulatorOptions, openEmulator } from "../../src/emulator/emulator.ts";

export interface ApiReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: The answers of many APIs.
  readonly body: any;
}

export interface EmulatorApi extends Emulator {
  /** Calls an API with a token of the scopes; an object is sent as JSON, anything else as it is. */
  call(
    method: string,
    path: string,
    body?: object | string | FormData,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiReply>;
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
    async call(method, path, body, headers = {}) {
      // A new one for each call, as a reset of the emulator revokes those before it.
      const token = emulator.accounts.makeAccessToken(scopes);
      const isJson = typeof body === "object" && !(body instanceof FormData);
      const response = await fetch(emulator.url + path, {
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
    },
  };
}
