import { tokenOf } from "./accounts.ts";
import { type Answer, type ApiRequest, Refusal, Unmodelled } from "./answer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Organisation } from "./organisation.ts";
import { findRoute } from "./routes.ts";
import type { Override } from "./service.ts";
import { type Stubs, stubCommand } from "./stubs.ts";

/** A client has no token yet when it comes here. */
const ACCOUNTS_PATH = "/oauth/";

interface ZohoApiOptions {
  readonly organisation: Organisation;
  readonly stubs: Stubs;
  readonly deliveries: Pick<Deliveries, "room">;
  readonly overrides: readonly Override[];
  /** Origin by which clients reach the emulator; undefined for the one that each of them has used. */
  readonly baseUrl: string | undefined;
  url(): string;
}

/** Answers requests as Zoho's accounts server and the APIs of its products do. */
export class ZohoApi {
  readonly #options: ZohoApiOptions;

  constructor(options: ZohoApiOptions) {
    this.#options = options;
  }

  /** In this order: accounts, access token, stub, override, the service whose path it is. */
  async answer(request: ApiRequest): Promise<Answer> {
    const { organisation, stubs, deliveries } = this.#options;
    const signIn = this.#answerOfAccounts(request);
    if (signIn !== undefined) return signIn;
    const route = findRoute(organisation.ownerOf(request)?.routes ?? [], request);
    const token = tokenOf(request.headers);
    const scopes = route?.isPublic === true ? [] : organisation.accounts.scopesOf(token ?? "");
    if (scopes === undefined) return organisation.wordingFor(request)(token === undefined ? "noToken" : "badToken");
    const stub = stubs.take(request);
    if (stub !== undefined) return stub;
    await deliveries.room();
    return this.#answerOfService(request, scopes, route);
  }

  #answerOfAccounts(request: ApiRequest): Answer | undefined {
    const { organisation, stubs, baseUrl, url } = this.#options;
    const stub = request.path.startsWith(ACCOUNTS_PATH) ? stubs.take(request) : undefined;
    return stub ?? organisation.accounts.answer(request, baseUrl ?? originOf(request) ?? url());
  }

  async #answerOfService(
    request: ApiRequest,
    scopes: readonly string[],
    route: ReturnType<typeof findRoute>,
  ): Promise<Answer> {
    const call = `${request.method} ${request.path}`;
    try {
      for (const override of this.#options.overrides) {
        const answer = await override.answer(request, scopes);
        if (answer !== undefined) return answer;
      }
      if (route !== undefined && route.handle === undefined)
        return this.#options.organisation.wordingFor(request)("wrongMethod");
      const answer = await route?.handle?.({ ...request, scopes, params: route.params });
      return answer ?? this.#lack(request, "lacking", call);
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      if (error instanceof Unmodelled) return this.#lack(request, "unmodelled", `${error.message} of ${call}`);
      throw error;
    }
  }

  #lack(request: ApiRequest, failure: "lacking" | "unmodelled", lacks: string): Answer {
    const { organisation, url } = this.#options;
    const message = `The emulator does not have ${lacks}. To answer it yourself: ${stubCommand(url(), request)}`;
    return { ...organisation.wordingFor(request)(failure, { message }), lacks };
  }
}

/** Origin from the Host header. It differs from the emulator's for a client in a container, whose token answers must name it. */
function originOf({ headers: { host = "" } }: ApiRequest): string | undefined {
  return /:\d+$/.test(String(host)) ? `http://${host}` : undefined;
}
