import { fileURLToPath } from "node:url";
import type { ApiRecord } from "../../src/emulator/answer.ts";
import { type Emulator, type EmulatorOptions, openEmulator } from "../../src/emulator/emulator.ts";
import type { CrmService } from "../../src/emulator/services/crm/index.ts";
import type { Watch } from "../../src/emulator/services/crm/watch.ts";
import type { Desk } from "../../src/emulator/services/desk/index.ts";
import type { Finance } from "../../src/emulator/services/finance/index.ts";
import type { Sign } from "../../src/emulator/services/sign.ts";

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

/** The services with what only tests use of them. */
export interface EmulatorServices {
  readonly watch: Watch;
  readonly desk: Desk;
  readonly finance: Finance;
  readonly sign: Sign;
}

export interface EmulatorApi extends ReturnType<typeof partsOf>, EmulatorServices {
  readonly requests: Emulator["requests"];
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
    ...partsOf(emulator),
    requests: emulator.requests,
    ...servicesOf(emulator),
    call: callOf(emulator, scopes),
    callWith: (...others) => callOf(emulator, others),
    create: creatorOf(emulator),
  };
}

/** What tests use of an emulator and its organisation. */
export function partsOf(emulator: Emulator) {
  const { url, localUrl, faults, stubs, deliveries, organisation, settings } = emulator;
  const { state, accounts, stores } = organisation;
  return {
    ...{ url, localUrl, faults, stubs, deliveries, organisation, settings, state, accounts, stores },
    subscriptions: () => organisation.subscriptions(),
    advance: (ms: number) => emulator.advance(ms),
    restore: (other: Emulator["organisation"]["state"]) => emulator.restore(other),
    reset: () => emulator.reset(),
    close: () => emulator.close(),
  };
}

export function servicesOf({ organisation }: Pick<Emulator, "organisation">): EmulatorServices {
  const service = (name: string) => organisation.service(name);
  return {
    watch: (service("crm") as CrmService).watch,
    desk: service("desk") as Desk,
    finance: service("finance") as Finance,
    sign: service("sign") as Sign,
  };
}

export function creatorOf({ organisation }: Pick<Emulator, "organisation">): EmulatorApi["create"] {
  return (product, module, data) => {
    const store = organisation.stores.find((each) => each.product === product);
    if (store === undefined) throw new Error(`${product} has no records`);
    return store.create(module, data);
  };
}

function callOf({ organisation, url }: Emulator, scopes: readonly string[]): Call {
  return async (method, path, body, headers = {}) => {
    // A new one for each call, as a reset of the emulator revokes those before it.
    const token = organisation.accounts.makeAccessToken(scopes);
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
