import { openInBrowser } from "../process/desktop.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig, userFolder } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { startRedirectServer } from "../zoho-api/browser-login.ts";
import type { CredentialsStore } from "../zoho-api/credentials.ts";
import { apiUrl, type DataCentre, dataCentreOf, findDataCentre, resolveHosts } from "../zoho-api/data-centres.ts";
import type { ZohoHttp } from "../zoho-api/http.ts";
import { type LoginOptions, type LoginPlan, readLoginPlan } from "../zoho-api/login-plan.ts";
import { exchangeCode, refreshAccess, type TokenReply } from "../zoho-api/oauth.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { chosenProfile, openStore, zohoHttp } from "../zoho-api/session.ts";
import type { OAuthClient } from "../zoho-api/sign-in.ts";
import type { Define } from "./command.ts";
import { collect } from "./flags/index.ts";

export const define: Define = (command, act) => {
  command
    .option(
      "--code <code>",
      "sign in with a code of a self client, without a browser on this machine; - for standard input",
    )
    .option("--browser", "sign in with the browser: the client's redirect URL must be http://localhost:<port>/callback")
    .option(
      "--refresh-token-file <path>",
      "use an existing refresh token, from a file or - for standard input (default: ZOHO_REFRESH_TOKEN)",
    )
    .option("--client-id <id>", "the OAuth client (default: ZOHO_CLIENT_ID)")
    .option(
      "--client-secret-file <path>",
      "the client's secret, from a file or - for standard input (default: ZOHO_CLIENT_SECRET)",
    )
    .option(
      "--dc <id>",
      "data centre: us, eu, in, au, jp, ca, sa, cn, uk, ae, another that Zoho lists, or auto to try each of these ten (default: ZOHO_DC, else us)",
    )
    .option("--environment <name>", "production, sandbox or developer (default: ZOHO_ENVIRONMENT, else production)")
    .option(
      "--product <product>",
      "request the scopes of this product's channels or webhooks (repeatable, default: crm)",
      collect,
    )
    .option("--scope <scope>", "request this scope as well (repeatable)", collect)
    .option("--profile <name>", "the name to save the sign-in under (default: ZOHO_PROFILE, else default)")
    .option("--port <port>", "for --browser: the port of the redirect URL", "8976")
    .option("--no-open", "for --browser: only print the address")
    .option("--no-keyring", "keep the secrets in a private file instead of the system's keyring")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks login",
        "zoho-hooks login --dc eu --client-id 1000.X --client-secret-file secret.txt --code 1000.abc",
        "zoho-hooks login --dc auto --client-id 1000.X --client-secret-file secret.txt --code 1000.abc",
        "zoho-hooks login --browser --profile acme --product crm --product bigin",
      ),
    )
    .addHelpText("after", HELP)
    .action(
      act(async (context, given: Omit<LoginOptions, "profile"> & { readonly profile?: string }) => {
        const config = loadConfig(context);
        const options: LoginOptions = { ...given, profile: chosenProfile(config, given.profile) ?? "default" };
        const store = openStore(context, config, options.keyring);
        await store.check(options.profile);
        const plan = await readLoginPlan(context, config, options);
        return signIn(context, { config, store, plan });
      }),
    );
};

const HELP = `
The simplest way: open https://api-console.zoho.com (or .eu, .in …, as your data centre), create a Self Client, generate
a code, and paste it here. It is valid for a few minutes and works once. This machine needs no browser for it: the
console may be open on another one. The scopes for CRM channels:
  ${LOGIN_SCOPES.crm.join(",")}
For other products, zoho-hooks login --product <product> shows them before it asks for the code.

Each organisation belongs to one data centre, and all others reject its codes. If you do not know yours, --dc auto tries
each of them and tells you which one it was. Every accounts server that it tries sees the client's secret.

In CI you need no login: set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC, or ZOHO_ACCESS_TOKEN.
ZOHO_ACCOUNTS_URL and ZOHO_API_URL set other hosts. Secrets are stored in the system's keyring. If there is none, or
ZOHO_KEYRING is off, they are stored in a file that only you can read.`;

/** Gets tokens with the chosen method, stores them, and reports what Zoho granted. */
async function signIn(
  context: Context,
  given: { config: Config; store: CredentialsStore; plan: LoginPlan },
): Promise<ExitCode> {
  const { config, store, plan } = given;
  const http = zohoHttp(context, config);
  try {
    const { tokens, accountsUrl, refreshToken, ...obtained } = await findCentre(centresOf(plan, config), (centreUrl) =>
      obtainTokens(context, http, { ...plan, accountsUrl: centreUrl }),
    );
    context.knownSecrets.remember(plan.clientSecret.reveal(), refreshToken, tokens.accessToken);
    const centre = obtained.centre ?? dataCentreOf(accountsUrl) ?? plan.centres[0] ?? findDataCentre("us");
    const profile = {
      name: plan.profile,
      dataCentre: centre.id,
      environment: plan.environment,
      accountsUrl,
      clientId: plan.clientId,
      scopes: tokens.scopes ?? plan.scopes,
    };
    // Undefined also if its secrets cannot be read, because then it cannot be used.
    const previous = await store.open(plan.profile).catch((error: unknown) => {
      if (error instanceof UserError) return undefined;
      throw error;
    });
    const secrets = { clientSecret: plan.clientSecret.reveal(), refreshToken };
    const saved = await store.save(profile, secrets);
    const signedIn = await store.open(plan.profile);
    await accessTokens({ signIn: signedIn, folder: userFolder(context), http, now: context.now }).store(tokens);
    context.report({
      type: "sign-in",
      state: "signed-in",
      profile: plan.profile,
      dataCentre: centre.id,
      environment: plan.environment,
      accountsUrl,
      apiUrl: signedIn.hosts.apiUrl ?? tokens.apiDomain ?? apiUrl(centre, plan.environment),
      clientId: plan.clientId,
      scopes: profile.scopes,
      secretsIn: saved.noKeyringBecause === undefined ? "the system's keyring" : saved.path,
      tokenExpiresAt: new Date(context.now().getTime() + tokens.lifetimeMs),
    });
    if (saved.noKeyringBecause !== undefined) {
      context.report({
        type: "notice",
        message: `the secrets are in ${saved.path}, which only you can read (no keyring: ${saved.noKeyringBecause})`,
      });
    }
    if (previous?.access.kind === "refreshable" && previous.access.refreshToken.reveal() !== refreshToken) {
      await accessTokens({ signIn: previous, folder: userFolder(context), http, now: context.now }).forget();
      context.report({
        type: "warning",
        message: `${plan.profile} replaces an earlier sign-in, whose refresh token is still valid at Zoho`,
        hint: "remove it from the connected apps of your Zoho account; next time, run logout before login",
      });
    }
    warnIfUnused(context, config, plan.profile);
    const missing = tokens.scopes === undefined ? [] : plan.scopes.filter((scope) => !tokens.scopes?.includes(scope));
    if (missing.length > 0) {
      context.report({
        type: "warning",
        message: `Zoho did not grant ${missing.join(", ")}`,
        hint: "commands that need these will fail; generate the code with all the scopes and sign in again",
      });
    }
    return ExitCode.ok;
  } finally {
    await http.close();
  }
}

/** A variable that takes precedence would silently be used instead of the new profile. */
function warnIfUnused(context: Context, config: Config, profile: string): void {
  const named = chosenProfile(config, undefined);
  const token = (["ZOHO_REFRESH_TOKEN", "ZOHO_ACCESS_TOKEN"] as const).find((name) => config.env[name] !== undefined);
  const first = named === undefined ? token : named === profile ? undefined : "ZOHO_PROFILE";
  if (first === undefined) return;
  context.report({
    type: "warning",
    message: `${first} is set${first === token ? "" : ` to ${named}`}, which takes precedence over the profile ${profile}: commands here will not use the profile unless you name it`,
    hint: `add --profile ${profile} to a command, or unset ${first}`,
  });
}

/** The data centres of the plan, at the accounts server that the environment names, if any. */
function centresOf({ centres }: LoginPlan, config: Config): readonly DataCentre[] {
  return centres.map((centre) => ({ ...centre, accountsUrl: resolveHosts(centre, config.env).accountsUrl }));
}

interface Obtained {
  readonly tokens: TokenReply;
  readonly accountsUrl: string;
  readonly refreshToken: string;
  /** Where it is another than the one that was asked. */
  readonly centre?: DataCentre | undefined;
}

const BROWSER_TIMEOUT_MS = 300_000;

async function obtainTokens(
  context: Context,
  http: ZohoHttp,
  { method, scopes, clientId, clientSecret, accountsUrl }: LoginPlan & { accountsUrl: string },
): Promise<Obtained> {
  const client: OAuthClient = { accountsUrl, clientId, clientSecret };
  const { signal } = context;
  const obtained = (tokens: TokenReply, url: string, refreshToken = tokens.refreshToken): Obtained => {
    if (refreshToken !== undefined) return { tokens, accountsUrl: url, refreshToken };
    throw new UserError(
      "credentials",
      "Zoho gave an access token but no refresh token, so the sign-in would end in an hour",
      "generate the code with offline access, or remove the app from your Zoho account and consent again",
      "no_refresh_token",
    );
  };
  switch (method.kind) {
    case "code":
      return obtained(
        await context.waiting("exchanging the code", () =>
          exchangeCode(http, client, method.code.reveal(), { signal }),
        ),
        accountsUrl,
      );
    case "refresh-token": {
      const tokens = await context.waiting("trying the refresh token", () =>
        refreshAccess(http, client, method.refreshToken, { signal }),
      );
      return obtained(tokens, accountsUrl, method.refreshToken.reveal());
    }
    case "browser": {
      const { port } = method;
      const timeoutMs = BROWSER_TIMEOUT_MS;
      const server = await startRedirectServer({ http, accountsUrl, clientId, scopes, port, timeoutMs, signal });
      try {
        for (const message of ["open this address to sign in:", server.authorizationUrl])
          context.report({ type: "notice", message });
        if (method.open && context.stderr.isTTY) openInBrowser(context, server.startUrl);
        const { code, redirectUri, centre } = await server.grant;
        const granted = centre?.accountsUrl ?? accountsUrl;
        const options = { redirectUri, isNamed: centre !== undefined, signal };
        const tokens = await exchangeCode(http, { ...client, accountsUrl: granted }, code, options);
        return { ...obtained(tokens, granted), centre };
      } finally {
        await server.close();
      }
    }
  }
}

/** A data centre answers with one of these to the credentials of another. */
const UNKNOWN_HERE = new Set(["invalid_client", "invalid_client_secret", "invalid_code"]);
const UNREACHABLE = new Set(["unreachable", "no_answer", "unavailable"]);

/**
 * Tries one data centre after another until one gives tokens. There is no other way to find it: to each, the credentials
 * of another look wrong. A wrong one does not use up a code.
 */
async function findCentre<T>(centres: readonly DataCentre[], request: (accountsUrl: string) => Promise<T>): Promise<T> {
  const [only, ...others] = centres;
  if (only !== undefined && others.length === 0) return request(only.accountsUrl);
  const failures: string[] = [];
  let unreachable: UserError | undefined;
  let hasAnswer = false;
  for (const { id, accountsUrl } of centres) {
    try {
      return await request(accountsUrl);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (UNREACHABLE.has(error.code)) unreachable = error;
      else if (UNKNOWN_HERE.has(error.code)) hasAnswer = true;
      else throw error;
      failures.push(`${id}: ${UNREACHABLE.has(error.code) ? "could not be reached" : error.code}`);
    }
  }
  if (unreachable !== undefined && !hasAnswer) {
    const { message, hint, code } = unreachable;
    throw new UserError("zohoApi", `no data centre could be reached: ${message}`, hint, code);
  }
  throw new UserError(
    "credentials",
    `none of Zoho's data centres${unreachable === undefined ? "" : " that could be reached"} accepts this sign-in (${failures.join(", ")})`,
    "compare the client id and secret with https://api-console.zoho.com, and generate a new code: it is valid for a few minutes and works once",
    "no_data_centre",
  );
}
