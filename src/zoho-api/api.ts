import { isSuccess } from "../delivery/delivery.ts";
import { UserError, usageError } from "../util/errors.ts";
import { apiUrl, type DataCentre, dataCentreOf, type Environment, knownCentre } from "./data-centres.ts";
import { type ApiCall, mayRejectToken, rejectsToken, replyError } from "./errors.ts";
import type { ZohoHttp, ZohoReply, ZohoRequest } from "./retrying-http.ts";
import { type SignIn, signInAgain } from "./sign-in.ts";
import type { AccessToken, AccessTokens } from "./token-refresh.ts";

export interface ApiRequest extends Omit<ZohoRequest, "url" | "accessToken" | "form"> {
  /** With its query: `/crm/v8/actions/watch?page=1` */
  readonly path: string;
  /** Completes "Zoho refused to …". */
  readonly action: string;
  readonly scope: string;
}

export interface ApiReply extends ZohoReply {
  /** For errors of single items in the answer. */
  readonly call: ApiCall;
}

/** The API of a product. */
export interface ApiHost {
  readonly id: string;
  /** The scopes that `login --product` requests. */
  readonly loginScopes: readonly string[];
  readonly recordScope?: string;
  /** Another scope that `login --product` does not request. */
  readonly extraScope?: string;
  /** Unless Zoho's token reply or the user names another host. */
  host(centre: DataCentre, environment: Environment): string;
}

/** Calls to the API of one product for one organisation. */
export type ZohoApi = ReturnType<typeof zohoApi>;

/** Answers take time, and name whole seconds. */
const CLOCK_TOLERANCE_MS = 120_000;

export function zohoApi(options: {
  readonly http: ZohoHttp;
  readonly tokens: AccessTokens;
  readonly signIn: SignIn;
  readonly product: ApiHost;
  readonly now: () => Date;
  /** Called once, if the clocks differ. */
  readonly onClockOffset?: (offsetMs: number) => void;
}) {
  const { http, tokens, signIn, product, now } = options;
  let { onClockOffset } = options;
  let clockOffsetMs = 0;

  const send = async (request: ApiRequest, token: AccessToken, isTokenNew = false): Promise<ApiReply> => {
    requireHost(signIn, product, token.apiDomain);
    const url = `${baseUrl(signIn, product, token.apiDomain)}${request.path}`;
    const { path: _path, action, scope, ...rest } = request;
    const reply = await http.send({ ...rest, url, accessToken: token.value });
    const { accountsUrl } = signIn.hosts;
    const afterMs = reply.retryAfterMs;
    const retry =
      afterMs === undefined ? undefined : { afterMs, at: new Date((reply.date ?? now()).getTime() + afterMs) };
    const again = signInAgain(signIn, { product: product.id, scope: isExtraScope(product, scope) ? scope : undefined });
    return { ...reply, call: { action, method: request.method, url, scope, accountsUrl, isTokenNew, again, retry } };
  };

  const readClock = (date: Date | undefined): void => {
    const offsetMs = date === undefined ? clockOffsetMs : date.getTime() - now().getTime();
    clockOffsetMs = Math.abs(offsetMs) < CLOCK_TOLERANCE_MS ? 0 : offsetMs;
    if (clockOffsetMs === 0) return;
    onClockOffset?.(clockOffsetMs);
    onClockOffset = undefined;
  };

  return {
    /**
     * Resolves with a 2xx that has JSON or no body, with a 304, or with a 400, which may hold results of single items. Everything
     * else is thrown as `ZohoApiError`.
     */
    async call(request: ApiRequest): Promise<ApiReply> {
      const token = await tokens.get(request.signal).catch(asUnreachable);
      let reply = await send(request, token);
      // A request whose token was rejected was not carried out, so it can be sent again with a new token.
      if (mayRejectToken(reply)) {
        const other = await tokens.replace(token, request.signal).catch((error: unknown) => {
          // The token may be valid, and there is no other: report Zoho's answer.
          if (!rejectsToken(reply) && hasNoOtherToken(error)) throw replyError(reply, reply.call);
          return asUnreachable(error);
        });
        reply = await send(request, other, true);
      }
      const isAnswer = isSuccess(reply.status) || reply.status === 304 || reply.status === 400;
      if (isAnswer && !reply.unreadable && !rejectsToken(reply)) {
        readClock(reply.date);
        return reply;
      }
      throw replyError(reply, reply.call);
    },
    /** The time by Zoho's clock, as its last answer showed it; before that, and within the tolerance, by this machine's. */
    now: () => new Date(now().getTime() + clockOffsetMs),
    /** The URL of a request, as far as it is known before the first one. */
    urlOf: ({ path }: Pick<ApiRequest, "path">) => `${baseUrl(signIn, product, undefined)}${path}`,
  };
}

/** The token is the user's own, or no new one is available for now. */
function hasNoOtherToken(error: unknown): boolean {
  return error instanceof UserError && (error.code === "invalid_token" || error.code === "token_throttled");
}

/** Without a token nothing was sent to the API, even if the token request got no answer. */
function asUnreachable(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== "no_answer") throw error;
  throw new UserError("zohoApi", error.message, error.hint, "unreachable");
}

/** `login` requests a product's scopes as a whole; others must be named. */
function isExtraScope({ recordScope, extraScope, loginScopes }: ApiHost, scope: string): boolean {
  return (scope === recordScope || scope === extraScope) && !loginScopes.includes(scope);
}

/** The user's setting, else the host that Zoho named with the token, else the data centre's. */
function baseUrl(signIn: SignIn, product: ApiHost, apiDomain: string | undefined): string {
  if (signIn.hosts.apiUrl !== undefined) return signIn.hosts.apiUrl;
  const named = apiDomain === undefined ? undefined : dataCentreOf(apiDomain, signIn.centre);
  const host = product.host(named ?? signIn.centre, signIn.environment);
  const ownHost = hasOwnHost(product, signIn.centre);
  // `api_domain` does not apply to products with their own host, nor to environments other than production.
  if (apiDomain === undefined || ownHost || (named !== undefined && signIn.environment !== "production")) return host;
  return apiDomain;
}

function hasOwnHost(product: ApiHost, centre: DataCentre): boolean {
  return product.host(centre, "production") !== apiUrl(centre, "production");
}

/** No access token goes to a host that is only guessed. */
function requireHost({ hosts, centre }: SignIn, product: ApiHost, apiDomain: string | undefined): void {
  const isNamed = hosts.apiUrl !== undefined || apiDomain !== undefined || hasOwnHost(product, centre);
  if (isNamed || knownCentre(centre.id) !== undefined) return;
  throw usageError(
    `Zoho has not said where the API of the data centre ${centre.id} is`,
    `set ZOHO_API_URL to it, such as ${apiUrl(centre, "production")}`,
  );
}
