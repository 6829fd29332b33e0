import { isSuccess } from "../body/delivery.ts";
import { UserError } from "../util/errors.ts";
import type { AccessToken, AccessTokens } from "./auth/access-token.ts";
import { type SignIn, signInAgain } from "./auth/sign-in.ts";
import { apiUrl, type DataCentre, dataCentreOf, type Environment } from "./data-centres.ts";
import { type ApiCall, mayRefuseToken, refusesToken, replyError } from "./errors.ts";
import type { ZohoHttp, ZohoReply, ZohoRequest } from "./http.ts";

export interface ApiRequest {
  readonly method: ZohoRequest["method"];
  /** With its query, from the root of the host: `/crm/v8/actions/watch?page=1`. */
  readonly path: string;
  readonly json?: string;
  /** Fields of a multipart form, in place of `json`. */
  readonly multipart?: Readonly<Record<string, string>>;
  /** Beside those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatable: boolean;
  /** Completes "Zoho refused to …". */
  readonly action: string;
  readonly scope: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiReply extends ZohoReply {
  /** For the errors of single items in the answer. */
  readonly call: ApiCall;
}

/** Where the API of a product lies, unless Zoho's token reply or the user names another host. */
export interface ApiHost {
  readonly id: string;
  /** What `login --product` asks for; undefined where it is asked for by its scopes alone. */
  readonly scopes?: readonly string[];
  readonly recordScope?: string;
  host(centre: DataCentre, environment: Environment): string;
}

/** Calls to the API of one product for one organisation. */
export interface ZohoApi {
  /**
   * Resolves with an answer whose body is for the caller to judge: a 2xx with JSON or without a body, or a 400, which
   * may hold results of single items. Everything else is thrown as `ZohoApiError`.
   */
  call(request: ApiRequest): Promise<ApiReply>;
  /** Where a request would go, as far as is known before the first. */
  urlOf(request: Pick<ApiRequest, "path">): string;
  /** How far the clock of Zoho is ahead of this machine's, by its last answer; 0 before that, and where they go together. */
  clockOffsetMs(): number;
}

/** Below this they go together: an answer takes its time, and names whole seconds. */
const CLOCK_TOLERANCE_MS = 120_000;

export function zohoApi(options: {
  readonly http: ZohoHttp;
  readonly tokens: AccessTokens;
  readonly signIn: SignIn;
  readonly product: ApiHost;
  readonly now: () => Date;
  /** Told once, when the clocks turn out to differ. */
  readonly onClockOffset?: (offsetMs: number) => void;
}): ZohoApi {
  const { http, tokens, signIn, product, now } = options;
  let onClockOffset = options.onClockOffset;
  let clockOffsetMs = 0;

  const send = async (request: ApiRequest, token: AccessToken, isTokenNew = false): Promise<ApiReply> => {
    const url = `${baseUrl(signIn, product, token.apiDomain)}${request.path}`;
    const { method, json, multipart, headers, repeatable, signal, action, scope } = request;
    const reply = await http.send({
      method,
      url,
      accessToken: token.value,
      repeatable,
      ...(json === undefined ? {} : { json }),
      ...(multipart === undefined ? {} : { multipart }),
      ...(headers === undefined ? {} : { headers }),
      ...(signal === undefined ? {} : { signal }),
    });
    const { accountsUrl } = signIn.hosts;
    const afterMs = reply.retryAfterMs;
    const retry =
      afterMs === undefined ? undefined : { afterMs, at: new Date((reply.date ?? now()).getTime() + afterMs) };
    const again = signInAgain(signIn, { product: product.id, beyond: isBeyond(product, scope) ? scope : undefined });
    return { ...reply, call: { action, method, url, scope, accountsUrl, isTokenNew, again, retry } };
  };

  const readClock = (date: Date | undefined): void => {
    const offsetMs = date === undefined ? clockOffsetMs : date.getTime() - now().getTime();
    clockOffsetMs = Math.abs(offsetMs) < CLOCK_TOLERANCE_MS ? 0 : offsetMs;
    if (clockOffsetMs === 0) return;
    onClockOffset?.(clockOffsetMs);
    onClockOffset = undefined;
  };

  return {
    async call(request) {
      const token = await tokens.get(request.signal).catch(notAsked);
      let reply = await send(request, token);
      // A refused request was not carried out, so even one that may not be repeated can be sent with a new token.
      if (mayRefuseToken(reply)) {
        const other = await tokens.replace(token, request.signal).catch((error: unknown) => {
          // Where the token may be right, and there is no other to be had, what Zoho has said is what there is to tell.
          if (!refusesToken(reply) && isWithoutOther(error)) throw replyError(reply, reply.call);
          return notAsked(error);
        });
        reply = await send(request, other, true);
      }
      const judged = reply.status === 400 || isSuccess(reply.status);
      if (judged && !reply.unreadable && !refusesToken(reply)) {
        readClock(reply.date);
        return reply;
      }
      throw replyError(reply, reply.call);
    },
    clockOffsetMs: () => clockOffsetMs,
    urlOf: ({ path }) => `${baseUrl(signIn, product, undefined)}${path}`,
  };
}

/** The token was given and not made, or no other may be made for now. */
function isWithoutOther(error: unknown): boolean {
  return error instanceof UserError && (error.code === "invalid_token" || error.code === "token_throttled");
}

/** Without a token nothing was asked of the API, whatever became of the question for one. */
function notAsked(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== "no_answer") throw error;
  throw new UserError("zohoApi", error.message, error.hint, "unreachable");
}

/** `login` asks for a product's scopes as a whole; one beyond them has to be named. */
function isBeyond({ recordScope, scopes = [] }: ApiHost, scope: string): boolean {
  return scope === recordScope && !scopes.includes(scope);
}

/** What the user set by hand comes first, then what Zoho named with the token, then the data centre's own host. */
function baseUrl(signIn: SignIn, product: ApiHost, apiDomain: string | undefined): string {
  if (signIn.hosts.apiUrl !== undefined) return signIn.hosts.apiUrl;
  const named = apiDomain === undefined ? undefined : dataCentreOf(apiDomain);
  const host = product.host(named ?? signIn.centre, signIn.environment);
  const ownHost = product.host(signIn.centre, "production") !== apiUrl(signIn.centre, "production");
  // A product with a host of its own, and an environment other than production, are not what `api_domain` names.
  if (apiDomain === undefined || ownHost || (named !== undefined && signIn.environment !== "production")) return host;
  return apiDomain;
}
