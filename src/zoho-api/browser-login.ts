import { randomBytes } from "node:crypto";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { splitUrl } from "../delivery/delivery.ts";
import { sameText } from "../delivery/secrets.ts";
import { openInBrowser } from "../process/desktop.ts";
import type { Context } from "../project/context.ts";
import { errorCode, errorText, UserError } from "../util/errors.ts";
import { untilAborted } from "../util/timing.ts";
import { type DataCentre, dataCentreOf, type ListRequest, lookUpServer } from "./data-centres.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import { type OAuthClient, signInError } from "./sign-in.ts";

interface Grant {
  readonly code: string;
  /** Exchanges the code, where the user is in another data centre than the one that was asked. */
  readonly centre: DataCentre | undefined;
  readonly redirectUri: string;
}

const TIMEOUT_MS = 300_000;

/**
 * Opens Zoho's consent page, and waits for the browser to return with the right state. The `accounts-server` of the redirect
 * must be a known data centre, or in Zoho's list, because the client secret is sent there.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export async function grantInBrowser(
  context: Context,
  http: ZohoHttp,
  { accountsUrl, clientId }: OAuthClient,
  { scopes, port }: { readonly scopes: readonly string[]; readonly port: number },
): Promise<Grant> {
  const { signal } = context;
  const state = randomBytes(16).toString("hex");
  const startPath = `/${randomBytes(16).toString("hex")}`;
  let succeed: (grant: Grant) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const granted = new Promise<Grant>((resolve, reject) => {
    succeed = resolve;
    fail = reject;
  });
  let isStarted = false;
  let redirectUri = "";
  let consentUrl = "";

  const start = (response: ServerResponse): void => {
    if (isStarted) {
      fail(
        signInError(
          "the start page of the sign-in was opened twice: another program may have read its address",
          "start again with BROWSER=none in the environment, and open the URL that is printed",
          "opened_twice",
        ),
      );
      answer(response, 410, "This page was already opened, so the sign-in was cancelled. See the terminal.");
      return;
    }
    isStarted = true;
    response.writeHead(302, { location: consentUrl, "cache-control": "no-store", connection: "close" }).end();
  };
  const server = await listenOnLoopback(port, (request, response) => {
    // Any program of this machine can send anything here, even what is no URL.
    const { path, query } = splitUrl(request.url ?? "/");
    if (path === startPath) return start(response);
    if (path !== "/callback") return answer(response, 404, "Not found.");
    const parameters = new URLSearchParams(query);
    // Any web page can make the browser call this URL, but only Zoho's redirect knows the state.
    if (!sameText(parameters.get("state") ?? "", state))
      return answer(response, 400, "This request does not belong to the sign-in.");
    const code = parameters.get("code");
    if (code === null) {
      const word = parameters.get("error") ?? "no code";
      answer(response, 400, "Zoho did not grant access. See the terminal.");
      return fail(signInError(`Zoho did not grant access: ${word}`, "start again and accept the scopes", word));
    }
    trustedCentre(parameters.get("accounts-server"), { http, accountsUrl, signal }).then(
      (centre) => {
        // The exchange of the code follows, and may fail.
        answer(response, 200, "The terminal finishes the sign-in. You can close this page.");
        succeed({ code, centre, redirectUri });
      },
      (error: unknown) => {
        const text = "The redirect names an accounts server that is not known to be Zoho's. See the terminal.";
        answer(response, 400, text);
        fail(error);
      },
    );
  }).catch((error: unknown) => {
    throw new UserError(
      "usage",
      `cannot listen on port ${port} for the browser's redirect: ${errorText(error)}`,
      "free it, or register another redirect URI for the client and give its port with --port",
    );
  });
  const timer = setTimeout(() => {
    const message = `the browser sign-in was not completed within ${TIMEOUT_MS / 1000} s`;
    fail(signInError(message, "start again, or sign in with a self client and --code", "expired"));
  }, TIMEOUT_MS);
  try {
    // Registered exactly as it is used, so its host, port and path are fixed.
    redirectUri = `http://localhost:${server.port}/callback`;
    const query = new URLSearchParams({
      response_type: "code",
      client_id: clientId,
      scope: scopes.join(","),
      redirect_uri: redirectUri,
      access_type: "offline",
      prompt: "consent",
      state,
    });
    consentUrl = `${accountsUrl}/oauth/v2/auth?${query}`;
    for (const message of ["open this address to sign in:", consentUrl]) context.report({ type: "notice", message });
    // Redirects to it, once: other users can read the command line of a browser, and with the state they could return a code
    // of another account.
    if (context.stderr.isTTY) openInBrowser(context, `http://localhost:${server.port}${startPath}`);
    return await untilAborted(granted, signal);
  } finally {
    clearTimeout(timer);
    await server.close();
  }
}

/** Undefined for the server that was asked. Throws for one that is of no data centre, known or listed. */
async function trustedCentre(named: string | null, request: ListRequest): Promise<DataCentre | undefined> {
  if (named === null || named === request.accountsUrl) return undefined;
  const known = dataCentreOf(named);
  const centre = known?.accountsUrl === named ? known : await lookUpServer(named, request);
  if (centre !== undefined) return centre;
  throw signInError(
    "the redirect names an accounts server that is not Zoho's: the client secret was not sent to it",
    "start again; if it happens again, sign in with a self client and --code",
    "unknown_accounts_server",
  );
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(`${text}\n`);
}

/** A machine without IPv6 has only the first. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
const NO_SUCH_ADDRESS = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

/**
 * Listens at all addresses of `localhost`: another program could take the same port of the other one and receive the
 * code. `port` 0: any that is free.
 */
async function listenOnLoopback(port: number, listener: RequestListener) {
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
    throw error;
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
