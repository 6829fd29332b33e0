import { randomBytes } from "node:crypto";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { splitUrl } from "../delivery/delivery.ts";
import { sameText } from "../delivery/secret.ts";
import { errorCode, errorText, UserError } from "../util/errors.ts";
import { type DataCentre, dataCentreOf } from "./data-centres.ts";
import type { ZohoHttp } from "./http.ts";
import { lookUpServer } from "./server-list.ts";

interface Grant {
  readonly code: string;
  /** Exchanges the code, where the user is in another data centre than the one that was asked. */
  readonly centre: DataCentre | undefined;
  readonly redirectUri: string;
}

/**
 * Waits for the browser to return from Zoho. The `accounts-server` of the redirect must be a known data centre, or in
 * Zoho's list, because the client secret is sent there.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export async function startRedirectServer(options: {
  readonly http: ZohoHttp;
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}) {
  const state = randomBytes(16).toString("hex");
  let resolve: (grant: Grant) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const grant = new Promise<Grant>((onGranted, onFailed) => {
    resolve = onGranted;
    reject = onFailed;
  });
  // The server may be closed before anyone awaits the grant.
  grant.catch(() => undefined);
  const startPath = `/${randomBytes(16).toString("hex")}`;
  let isStarted = false;
  let redirectUri = "";

  const start = (response: ServerResponse): void => {
    if (isStarted) {
      reject(
        new UserError(
          "credentials",
          "the start page of the sign-in was opened twice: another program may have read its address",
          "start again with --no-open, and open the URL that is printed",
          "opened_twice",
        ),
      );
      answer(response, 410, "This page was already opened, so the sign-in was cancelled. See the terminal.");
      return;
    }
    isStarted = true;
    const location = authorizationUrl({ ...options, redirectUri, state });
    response.writeHead(302, { location, "cache-control": "no-store", connection: "close" }).end();
  };
  const server = await listenOnLoopback(options.port, (request, response) => {
    // Any program of this machine can send anything here, even what is no URL.
    const { path, query } = splitUrl(request.url ?? "/");
    if (path === startPath) return start(response);
    if (path !== "/callback") return answer(response, 404, "Not found.");
    const parameters = new URLSearchParams(query);
    const given = parameters.get("state") ?? "";
    // Any web page can make the browser call this URL, but only Zoho's redirect knows the state.
    if (!sameText(given, state)) return answer(response, 400, "This request does not belong to the sign-in.");
    const code = parameters.get("code");
    if (code === null) {
      const word = parameters.get("error") ?? "no code";
      answer(response, 400, "Zoho did not grant access. See the terminal.");
      return reject(
        new UserError("credentials", `Zoho did not grant access: ${word}`, "start again and accept the scopes", word),
      );
    }
    trustedCentre(parameters.get("accounts-server"), options).then(
      (centre) => {
        // The exchange of the code follows, and may fail.
        answer(response, 200, "The terminal finishes the sign-in. You can close this page.");
        resolve({ code, centre, redirectUri });
      },
      (error: unknown) => {
        answer(
          response,
          400,
          "The redirect names an accounts server that is not known to be Zoho's. See the terminal.",
        );
        reject(error);
      },
    );
  }).catch((error: unknown) => {
    throw portError(options.port, errorText(error));
  });
  redirectUri = `http://localhost:${server.port}/callback`;

  const timer = setTimeout(() => {
    reject(
      new UserError(
        "credentials",
        `the browser sign-in was not completed within ${Math.round(options.timeoutMs / 1000)} s`,
        "start again, or sign in with a self client and --code",
        "expired",
      ),
    );
  }, options.timeoutMs);
  const stop = (): void => reject(options.signal.reason);
  options.signal.addEventListener("abort", stop, { once: true });

  return {
    /** Registered exactly as it is used, so its host, port and path are fixed. */
    redirectUri,
    /** Zoho's consent page. */
    authorizationUrl: authorizationUrl({ ...options, redirectUri, state }),
    /**
     * Redirects to it, once. For the command that opens a browser, whose command line other users can read: with the state
     * they could return a code of another account.
     */
    startUrl: `http://localhost:${server.port}${startPath}`,
    /** Resolves when the browser returns with the right state. */
    grant,
    close: (): Promise<void> => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", stop);
      return server.close();
    },
  };
}

function authorizationUrl(options: {
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly state: string;
}): string {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: options.clientId,
    scope: options.scopes.join(","),
    redirect_uri: options.redirectUri,
    access_type: "offline",
    prompt: "consent",
    state: options.state,
  });
  return `${options.accountsUrl}/oauth/v2/auth?${query}`;
}

/** Undefined for the server that was asked. Throws for one that is of no data centre, known or listed. */
async function trustedCentre(
  named: string | null,
  { http, accountsUrl, signal }: { http: ZohoHttp; accountsUrl: string; signal: AbortSignal },
): Promise<DataCentre | undefined> {
  if (named === null || named === accountsUrl) return undefined;
  const known = dataCentreOf(named);
  const centre = known?.accountsUrl === named ? known : await lookUpServer(named, { http, accountsUrl, signal });
  if (centre !== undefined) return centre;
  throw new UserError(
    "credentials",
    "the redirect names an accounts server that is not Zoho's: the client secret was not sent to it",
    "start again; if it happens again, sign in with a self client and --code",
    "unknown_accounts_server",
  );
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(`${text}\n`);
}

function portError(port: number, because: string): UserError {
  return new UserError(
    "usage",
    `cannot listen on port ${port} for the browser's redirect: ${because}`,
    "free it, or register another redirect URI for the client and give its port with --port",
  );
}

/** A machine without IPv6 has only the first. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
const NO_SUCH_ADDRESS = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];
/** A port that is free at one address may be taken at the other. */
const MAX_ATTEMPTS = 20;

/**
 * Listens at all addresses of `localhost`: another program could take the same port of the other one and receive the
 * code. `port` 0: any that is free at both.
 */
async function listenOnLoopback(port: number, listener: RequestListener) {
  for (let attempt = 1; ; attempt++) {
    const servers: Server[] = [];
    const close = async (): Promise<void> => void (await Promise.all(servers.map(closeServer)));
    try {
      let actualPort = port;
      for (const host of ADDRESSES) {
        const server = await listen(listener, host, actualPort).catch((error: unknown) => {
          if (servers.length > 0 && NO_SUCH_ADDRESS.includes(errorCode(error) ?? "")) return undefined;
          throw error;
        });
        if (server === undefined) continue;
        servers.push(server);
        actualPort = (server.address() as AddressInfo).port;
      }
      return { port: actualPort, close };
    } catch (error) {
      await close();
      if (port !== 0 || errorCode(error) !== "EADDRINUSE" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function listen(listener: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(listener);
  return new Promise((listening, failed) => {
    server.once("error", failed);
    server.listen({ host, port, ipv6Only: true }, () => listening(server));
  });
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((closed) => server.close(() => closed()));
}
