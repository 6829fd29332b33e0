import { randomBytes } from "node:crypto";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { splitUrl } from "../../body/delivery.ts";
import { sameText } from "../../body/secret.ts";
import { errorCode, errorText, UserError } from "../../util/errors.ts";
import { dataCentreOf } from "../data-centres.ts";

/** What the redirect brings back. */
interface Grant {
  readonly code: string;
  /** Where the code is to be exchanged: the user's data centre may be another than the one asked. */
  readonly accountsUrl: string;
  readonly redirectUri: string;
}

/** The redirect address of the client must be registered exactly as it is used, so host, port and path are fixed. */
interface RedirectServer {
  readonly redirectUri: string;
  /** Opens Zoho's consent page. */
  readonly authorizationUrl: string;
  /**
   * Leads there, once. It is for the program that opens a browser, whose command line every user of the machine can read:
   * who knows the state could bring back a code of another account.
   */
  readonly startUrl: string;
  /** Resolves with the code, once the browser came back with the right state. */
  readonly grant: Promise<Grant>;
  close(): Promise<void>;
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

/**
 * Waits on this machine for the browser to come back from Zoho. The `accounts-server` of the redirect is followed only
 * to a data centre that is known, since the client secret goes there.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export async function startRedirectServer(options: {
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<RedirectServer> {
  const state = randomBytes(16).toString("hex");
  let resolve: (grant: Grant) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<Grant>((granted, refused) => {
    resolve = granted;
    reject = refused;
  });
  // The server may be closed before anyone awaits the grant.
  promise.catch(() => undefined);
  const startPath = `/${randomBytes(16).toString("hex")}`;
  let isStarted = false;
  let redirectUri = "";

  const start = (response: ServerResponse): void => {
    if (isStarted) {
      reject(
        new UserError(
          "credentials",
          "the page that starts the sign-in was opened twice, so another program may know what only your browser should",
          "start again, with --no-open, and open the address that is printed",
          "opened_twice",
        ),
      );
      answer(response, 410, "This page was opened before, so the sign-in has been ended. The terminal says more.");
      return;
    }
    isStarted = true;
    const location = authorizationUrl({ ...options, redirectUri, state });
    response.writeHead(302, { location, "cache-control": "no-store", connection: "close" }).end();
  };
  const server = await listenOnLoopback(options.port, (request, response) => {
    // Anyone on this machine can ask for anything here, also for what is no URL.
    const { path, query } = splitUrl(request.url ?? "/");
    if (path === startPath) return start(response);
    if (path !== "/callback") return answer(response, 404, "There is nothing here.");
    const parameters = new URLSearchParams(query);
    const given = parameters.get("state") ?? "";
    // Anyone can make the browser call this address; only Zoho's redirect knows the state.
    if (!sameText(given, state)) return answer(response, 400, "This is not the sign-in that was started.");
    const code = parameters.get("code");
    if (code === null) {
      const word = parameters.get("error") ?? "no code";
      answer(response, 400, "Zoho did not grant access. The terminal says more.");
      return reject(
        new UserError("credentials", `Zoho did not grant access: ${word}`, "start again and accept the scopes", word),
      );
    }
    const accountsUrl = trustedServer(parameters.get("accounts-server"), options.accountsUrl);
    if (accountsUrl === undefined) {
      answer(response, 400, "The redirect names an accounts server that is not one of Zoho's.");
      return reject(
        new UserError(
          "credentials",
          "the redirect names an accounts server that is not one of Zoho's: the client secret is not sent there",
          "start again; if it happens again, sign in with a self client and --code",
          "unknown_accounts_server",
        ),
      );
    }
    answer(response, 200, "Zoho granted access. You can close this page and go back to the terminal.");
    return resolve({ code, accountsUrl, redirectUri });
  }).catch((error: unknown) => {
    throw portError(options.port, errorText(error));
  });
  redirectUri = `http://localhost:${server.port}/callback`;

  const timer = setTimeout(() => {
    reject(
      new UserError(
        "credentials",
        `the sign-in in the browser was not completed within ${Math.round(options.timeoutMs / 1000)} s`,
        "start again, or sign in with a self client and --code",
        "expired",
      ),
    );
  }, options.timeoutMs);
  const stop = (): void => reject(options.signal.reason);
  options.signal.addEventListener("abort", stop, { once: true });

  return {
    redirectUri,
    authorizationUrl: authorizationUrl({ ...options, redirectUri, state }),
    startUrl: `http://localhost:${server.port}${startPath}`,
    grant: promise,
    close: () => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", stop);
      return server.close();
    },
  };
}

/** The server that the redirect names, if it is the one that was asked or that of a known data centre. */
function trustedServer(named: string | null, asked: string): string | undefined {
  if (named === null || named === asked) return asked;
  const centre = dataCentreOf(named);
  return centre !== undefined && centre.accountsUrl === named ? named : undefined;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(`${text}\n`);
}

function portError(port: number, because: string): UserError {
  return new UserError(
    "usage",
    `port ${port} of this machine, to which the browser returns, cannot be opened: ${because}`,
    "free it, or register another redirect address for the client and give its port with --port",
  );
}

interface LoopbackServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Of these a machine without IPv6 has the first one only. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
const NO_SUCH_ADDRESS = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];
/** For any free port, one of the two may be taken at the other address. */
const MOST_TRIES = 20;

/**
 * Listens wherever `localhost` may lead to. At one address alone, another program of this machine could take the same
 * port of the other, and get what is meant for here. `port` 0: any that is free at both.
 */
async function listenOnLoopback(port: number, listener: RequestListener): Promise<LoopbackServer> {
  for (let tries = 1; ; tries++) {
    const servers: Server[] = [];
    const close = async (): Promise<void> => void (await Promise.all(servers.map(closeServer)));
    try {
      let taken = port;
      for (const host of ADDRESSES) {
        const server = await listen(listener, host, taken).catch((error: unknown) => {
          if (servers.length > 0 && NO_SUCH_ADDRESS.includes(errorCode(error) ?? "")) return undefined;
          throw error;
        });
        if (server === undefined) continue;
        servers.push(server);
        taken = (server.address() as AddressInfo).port;
      }
      return { port: taken, close };
    } catch (error) {
      await close();
      if (port !== 0 || errorCode(error) !== "EADDRINUSE" || tries === MOST_TRIES) throw error;
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
