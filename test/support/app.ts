import { type ConnectOptions, connectZoho, type Store, ZohoError } from "../../src/library/connect.ts";
import { startZoho, type Zoho, type ZohoOptions } from "../../src/library/testing.ts";

/** An app beside an emulated Zoho. */
export interface App {
  readonly zoho: Zoho;
  /** The requests that were sent: `GET /crm/v8/actions/watch`. */
  readonly sent: string[];
  /** The token requests among them. */
  tokenRequests(): number;
  readonly options: ConnectOptions;
  /** Another instance of the app. */
  connect(more?: Partial<ConnectOptions>): ReturnType<typeof connectZoho>;
}

export async function startApp(options: ZohoOptions = {}): Promise<App> {
  const zoho = await startZoho(options);
  const sent: string[] = [];
  const { env } = zoho;
  const connectOptions: ConnectOptions = {
    clientId: env.ZOHO_CLIENT_ID,
    clientSecret: env.ZOHO_CLIENT_SECRET,
    refreshToken: env.ZOHO_REFRESH_TOKEN,
    dc: "us",
    accountsUrl: env.ZOHO_ACCOUNTS_URL,
    apiUrl: env.ZOHO_API_URL,
    ...(options.now === undefined ? {} : { now: options.now }),
    fetch(input, init) {
      sent.push(`${init?.method} ${new URL(String(input)).pathname}`);
      return fetch(input, init);
    },
  };
  return {
    zoho,
    sent,
    tokenRequests: () => sent.filter((each) => each === "POST /oauth/v2/token").length,
    options: connectOptions,
    connect: (more) => connectZoho({ ...connectOptions, ...more }),
  };
}

/** A store that takes its time, as one in another data centre does. */
export function slowStore(store: Store, ms: number): Store {
  const later = <T>(work: () => T): Promise<Awaited<T>> =>
    new Promise((resolve, reject) => {
      setTimeout(() => Promise.resolve(work()).then(resolve as (value: unknown) => void, reject), ms);
    });
  const { add } = store;
  return {
    get: (key) => later(() => store.get(key)),
    set: (key, value, options) => later(() => store.set(key, value, options)),
    ...(add && { add: (key, value, options) => later(() => add(key, value, options)) }),
  };
}

/** A store that cannot lock, such as Cloudflare KV. */
export function withoutAdd({ get, set }: Store): Store {
  return { get, set };
}

export async function errorOf(promise: Promise<unknown>): Promise<ZohoError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ZohoError) return error;
  throw new Error(`a ZohoError was expected, not ${String(error)}`);
}
