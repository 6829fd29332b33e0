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

const MAX_BY_PAGE = 2_000;

/**
 * Lists of records as Zoho pages them: by number up to 2,000 records only, then by a token that is valid with the parameters and
 * the filter that it was given for.
 */
export function withPageTokens(send: typeof fetch): typeof fetch {
  const refuse = (code: string): Response =>
    Response.json({ code, details: {}, message: code, status: "error" }, { status: 400 });
  return async (input, init) => {
    const url = new URL(String(input));
    if (init?.method !== "GET" || !/^\/crm\/v8\/\w+$/.test(url.pathname)) return send(input, init);
    const filter = new Headers(init.headers).get("if-modified-since");
    const token = url.searchParams.get("page_token");
    // The emulator's own.
    if (token !== null && !token.startsWith("[")) return send(input, init);
    if (token !== null && url.searchParams.has("page")) return refuse("AMBIGUITY_DURING_PROCESSING");
    url.searchParams.delete("page_token");
    let page = Number(url.searchParams.get("page") ?? 1);
    url.searchParams.delete("page");
    const bound = JSON.stringify([url.search, filter]);
    if (token === null && page * Number(url.searchParams.get("per_page")) > MAX_BY_PAGE)
      return refuse("DISCRETE_PAGINATION_LIMIT_EXCEEDED");
    if (token !== null) {
      const [next, ...rest] = JSON.parse(token) as readonly [number, string];
      if (rest[0] !== bound) return refuse("TOKEN_BOUND_DATA_MISMATCH");
      page = next;
    }
    url.searchParams.set("page", String(page));
    const response = await send(url.href, init);
    if (response.status !== 200) return response;
    const body = (await response.json()) as {
      readonly info: { readonly more_records: boolean; readonly next_page_token?: string | null };
    };
    if (body.info.next_page_token !== undefined) return Response.json(body, { headers: response.headers });
    const next_page_token = body.info.more_records ? JSON.stringify([page + 1, bound]) : null;
    return Response.json({ ...body, info: { ...body.info, next_page_token } }, { headers: response.headers });
  };
}
