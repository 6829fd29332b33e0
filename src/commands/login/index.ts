import { type Config, loadConfig, userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { accessTokens } from "../../zoho/auth/access-token.ts";
import { startRedirectServer } from "../../zoho/auth/browser-login.ts";
import type { CredentialsStore } from "../../zoho/auth/credentials.ts";
import { deviceLogin } from "../../zoho/auth/device-login.ts";
import { exchangeCode, refreshAccess, type TokenReply } from "../../zoho/auth/oauth.ts";
import type { OAuthClient, SignIn } from "../../zoho/auth/sign-in.ts";
import {
  apiUrl,
  areFrom,
  type DataCentre,
  dataCentreOf,
  findDataCentre,
  requireTrustedHosts,
  resolveHosts,
} from "../../zoho/data-centres.ts";
import type { ZohoHttp } from "../../zoho/http.ts";
import type { Define } from "../command.ts";
import { openInBrowser } from "../helpers/desktop.ts";
import { collect } from "../helpers/options.ts";
import { chosenProfile, openStore, zohoHttp } from "../helpers/session.ts";
import { type LoginOptions, type LoginPlan, readLoginPlan } from "./plan.ts";

export const define: Define = (command, act) => {
  command
    .option("--code <code>", "sign in with a self client's code, - for standard input")
    .option("--browser", "sign in with the browser: the client's redirect URL must be http://localhost:<port>/callback")
    .option("--device", "sign in with a code that you enter on another device")
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
      "data centre: us, eu, in, au, jp, ca, sa, cn, uk, ae, or auto to try each (default: ZOHO_DC, else us)",
    )
    .option("--environment <name>", "production, sandbox or developer (default: ZOHO_ENVIRONMENT, else production)")
    .option(
      "--product <product>",
      "ask for the scopes of this product's channels or webhooks (repeatable, default: crm)",
      collect,
    )
    .option("--scope <scope>", "ask for this scope as well (repeatable)", collect)
    .option("--profile <name>", "the name to save the sign-in under (default: ZOHO_PROFILE, else default)")
    .option("--port <port>", "for --browser: the port of the redirect URL", "8976")
    .option("--no-open", "for --browser: only print the address")
    .option("--no-keyring", "keep the secrets in a private file instead of the system's keyring")
    .addHelpText("after", HELP)
    .action(
      act(async (context, given: Omit<LoginOptions, "profile"> & { readonly profile?: string }) => {
        const config = loadConfig(context);
        const options: LoginOptions = { ...given, profile: chosenProfile(config, given.profile) ?? "default" };
        const store = openStore(context, config, options.keyring);
        await store.check(options.profile);
        return signIn(context, config, store, await readLoginPlan(context, config.env, options));
      }),
    );
};

const HELP = `
The simplest way: open https://api-console.zoho.com (or .eu, .in …, as your data centre), create a Self Client, generate
a code for the scopes that this command names, and paste it here. A code is valid for a few minutes and works once.

Each organisation belongs to one data centre, and all others reject its codes. If you do not know yours, --dc auto tries
one after the other and tells you which it was. Each accounts server that it tries gets to see the client's secret.

In CI you need no login: set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC, or ZOHO_ACCESS_TOKEN.
ZOHO_ACCOUNTS_URL and ZOHO_API_URL set other hosts. Secrets are stored in the system's keyring, or, if there is none or
ZOHO_KEYRING is off, in a file that only you can read.

Examples:
  $ zoho-hooks login
  $ zoho-hooks login --dc eu --client-id 1000.X --client-secret-file secret.txt --code 1000.abc
  $ zoho-hooks login --dc auto --client-id 1000.X --client-secret-file secret.txt --code 1000.abc
  $ zoho-hooks login --browser --profile acme --product crm --product bigin
`;

const BROWSER_WAIT_MS = 300_000;

/** Gets tokens by the way that was chosen, keeps them, and says what Zoho granted. */
async function signIn(context: Context, config: Config, store: CredentialsStore, plan: LoginPlan): Promise<ExitCode> {
  const http = zohoHttp(context, config);
  try {
    const { tokens, accountsUrl, refreshToken } = await findCentre(centresOf(plan, config), (asked) =>
      obtainTokens(context, http, plan, asked),
    );
    const centre = dataCentreOf(accountsUrl) ?? plan.centres[0] ?? findDataCentre("us");
    const profile = {
      name: plan.profile,
      dataCentre: centre.id,
      environment: plan.environment,
      accountsUrl,
      clientId: plan.clientId,
      scopes: tokens.scopes ?? plan.scopes,
    };
    const before = await keptSignIn(store, plan.profile);
    const saved = await store.save(profile, { clientSecret: plan.clientSecret.reveal(), refreshToken });
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
        message: `the secrets are in ${saved.path}, which only you can read: no keyring, because ${saved.noKeyringBecause}`,
      });
    }
    if (before !== undefined) await partWith(context, http, before, refreshToken);
    warnOfAnother(context, config, plan.profile);
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

/** Undefined where there is none, or its secrets cannot be read: then nothing of it can be used either. */
async function keptSignIn(store: CredentialsStore, name: string): Promise<SignIn | undefined> {
  return store.open(name).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** The sign-in that another has taken the place of: what is kept of it here goes; what Zoho has is told. */
async function partWith(context: Context, http: ZohoHttp, before: SignIn, refreshToken: string): Promise<void> {
  if (before.access.kind !== "refreshable" || before.access.refreshToken.reveal() === refreshToken) return;
  await accessTokens({ signIn: before, folder: userFolder(context), http, now: context.now }).forget();
  context.report({
    type: "warning",
    message: `${before.name} replaces an earlier sign-in, whose refresh token is still valid at Zoho`,
    hint: "remove it from the connected apps of your Zoho account; next time, run logout before login",
  });
}

/** What goes before the profile that was just made would be used in its place without a word. */
function warnOfAnother(context: Context, config: Config, profile: string): void {
  const named = chosenProfile(config, undefined);
  const token = ["ZOHO_REFRESH_TOKEN", "ZOHO_ACCESS_TOKEN"].find((name) => config.env[name] !== undefined);
  const first = named === undefined ? token : named === profile ? undefined : "ZOHO_PROFILE";
  if (first === undefined) return;
  context.report({
    type: "warning",
    message: `${first} is set${first === token ? "" : ` to ${named}`}, which takes precedence over the profile ${profile}: commands here will not use the profile unless you name it`,
    hint: `add --profile ${profile} to a command, or unset ${first}`,
  });
}

/** A data centre of the plan is asked at its own server, unless the environment names one. */
function centresOf({ centres }: LoginPlan, config: Config): readonly DataCentre[] {
  requireTrustedHosts(config, (_, file) => areFrom(file, config, ["ZOHO_CLIENT_SECRET"]));
  return centres.map((centre) => ({ ...centre, accountsUrl: resolveHosts(centre, config.env).accountsUrl }));
}

interface Obtained {
  readonly tokens: TokenReply;
  readonly accountsUrl: string;
  readonly refreshToken: string;
}

async function obtainTokens(context: Context, http: ZohoHttp, plan: LoginPlan, accountsUrl: string): Promise<Obtained> {
  const client: OAuthClient = { accountsUrl, clientId: plan.clientId, clientSecret: plan.clientSecret };
  const { method, scopes } = plan;
  const { signal } = context;
  const kept = (tokens: TokenReply, at: string, refreshToken = tokens.refreshToken): Obtained => {
    if (refreshToken !== undefined) return { tokens, accountsUrl: at, refreshToken };
    throw new UserError(
      "credentials",
      "Zoho gave an access token but no refresh token, so the sign-in would end in an hour",
      "generate the code with offline access, or remove the app from your Zoho account and consent again",
      "no_refresh_token",
    );
  };
  switch (method.kind) {
    case "code":
      return kept(
        await context.waiting("trading the code in", () =>
          exchangeCode(http, client, method.code.reveal(), { signal }),
        ),
        accountsUrl,
      );
    case "refresh-token": {
      const tokens = await context.waiting("trying the refresh token", () =>
        refreshAccess(http, client, method.refreshToken, { signal }),
      );
      return kept(tokens, accountsUrl, method.refreshToken.reveal());
    }
    case "device": {
      const show = (prompt: { userCode: string; verificationUrl: string }): void =>
        context.report({ type: "notice", message: `open ${prompt.verificationUrl} and type ${prompt.userCode}` });
      const done = await deviceLogin({ http, client, scopes, show, sleep: context.sleep, signal });
      return kept(done.tokens, done.accountsUrl);
    }
    case "browser": {
      const { clientId } = plan;
      const server = await startRedirectServer({
        accountsUrl,
        clientId,
        scopes,
        port: method.port,
        timeoutMs: BROWSER_WAIT_MS,
        signal,
      });
      try {
        context.report({ type: "notice", message: `open this address to sign in:\n${server.authorizationUrl}` });
        if (method.open && context.stderr.isTTY) openInBrowser(context, server.startUrl);
        const grant = await server.grant;
        const clientThere = { ...client, accountsUrl: grant.accountsUrl };
        const { code, redirectUri } = grant;
        const isNamed = grant.accountsUrl !== accountsUrl;
        return kept(await exchangeCode(http, clientThere, code, { redirectUri, isNamed, signal }), grant.accountsUrl);
      } finally {
        await server.close();
      }
    }
  }
}

/** With these a data centre says that it does not know what another one may know. */
const NOT_KNOWN_HERE = new Set(["invalid_client", "invalid_client_secret", "invalid_code"]);
/** A data centre that cannot be asked is left out. */
const NOT_ASKED = new Set(["unreachable", "no_answer", "unavailable"]);

/**
 * Asks one data centre after another until one gives tokens. A wrong one does not use a code up, and nothing but the
 * asking tells them apart: to each the credentials of another look like wrong ones.
 */
async function findCentre<T>(centres: readonly DataCentre[], ask: (accountsUrl: string) => Promise<T>): Promise<T> {
  const [only, ...others] = centres;
  if (only !== undefined && others.length === 0) return ask(only.accountsUrl);
  const answers: string[] = [];
  let unasked: UserError | undefined;
  let isAnyAsked = false;
  for (const { id, accountsUrl } of centres) {
    try {
      return await ask(accountsUrl);
    } catch (error) {
      if (!(error instanceof UserError) || !(NOT_KNOWN_HERE.has(error.code) || NOT_ASKED.has(error.code))) throw error;
      if (NOT_ASKED.has(error.code)) unasked = error;
      else isAnyAsked = true;
      answers.push(`${id}: ${NOT_ASKED.has(error.code) ? "could not be asked" : error.code}`);
    }
  }
  if (unasked !== undefined && !isAnyAsked)
    throw new UserError("zohoApi", `no data centre could be asked: ${unasked.message}`, unasked.hint, unasked.code);
  throw new UserError(
    "credentials",
    `none of Zoho's data centres${unasked === undefined ? "" : " that could be asked"} knows this sign-in (${answers.join(", ")})`,
    "compare the client id and secret with https://api-console.zoho.com, and generate a new code: it is valid for a few minutes and works once",
    "no_data_centre",
  );
}
