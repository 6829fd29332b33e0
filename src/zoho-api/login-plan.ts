import { type Secret, secret } from "../delivery/secrets.ts";
import type { Prompts } from "../process/prompts.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { readSecretInput } from "../project/secret-variables.ts";
import { usageError } from "../util/errors.ts";
import { parseInteger } from "../util/units.ts";
import { grantInBrowser } from "./browser-login.ts";
import { type DataCentre, dataCentres, type Environment, findDataCentre, findEnvironment } from "./data-centres.ts";
import { setting } from "./env-sign-in.ts";
import type { ApiRequestLine } from "./lines.ts";
import { exchangeCode, refreshAccess, type TokenReply } from "./oauth.ts";
import type { ZohoHttp } from "./retrying-http.ts";
import { loginScopes } from "./scopes.ts";
import { centreNamed } from "./session.ts";
import type { OAuthClient } from "./sign-in.ts";

export interface LoginOptions {
  readonly code?: string;
  readonly browser?: boolean;
  readonly clientId?: string;
  readonly dc?: string;
  readonly product?: readonly string[];
  readonly scope?: readonly string[];
  readonly profile?: string;
  readonly port: string;
}

/** Everything that a sign-in needs, with nothing left to ask. */
export interface LoginPlan {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Tried in this order, until one of them knows the sign-in. */
  readonly centres: readonly DataCentre[];
  readonly environment: Environment;
  readonly scopes: readonly string[];
  /** Gets tokens. `centre`: the one that Zoho named in the browser, if it is another than the client's. */
  obtain(http: ZohoHttp, client: OAuthClient): Promise<{ readonly tokens: TokenReply; readonly centre?: DataCentre }>;
}

type Method = "code" | "browser" | "refresh-token";

/** Sources of the values of a plan. */
interface Sources {
  readonly context: Context<ApiRequestLine>;
  readonly env: Config["env"];
  readonly options: LoginOptions;
  /** Undefined without a terminal. */
  readonly prompts: Prompts | undefined;
}

/** From flags, else the environment, else questions. Without a terminal, a missing value is an error that says how to give it. */
export async function readLoginPlan(
  context: Context<ApiRequestLine>,
  config: Config,
  options: LoginOptions,
): Promise<LoginPlan> {
  const { env } = config;
  const scopes = [...new Set([...(options.product ?? ["crm"]).flatMap(loginScopes), ...(options.scope ?? [])])];
  const prompts = await context.prompts();
  const sources = { context, env, options, prompts };
  const method = givenMethod(sources) ?? (await askMethod(prompts));
  const centres = await chooseCentres(sources, method, config);
  if (method === "code" && options.code === undefined) explainCode(context, scopes, centres);
  const clientId =
    options.clientId ??
    setting(env, "ZOHO_CLIENT_ID") ??
    (await ask(prompts, { message: "Client id", how: "add --client-id" }));
  const clientSecret = await readSecret(sources, "ZOHO_CLIENT_SECRET", "Client secret");
  return {
    clientId: clientId.trim(),
    clientSecret,
    centres,
    environment: findEnvironment(setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    scopes,
    obtain: await readGrant(sources, method, scopes),
  };
}

function givenMethod({ env, options: { code, browser } }: Sources): Method | undefined {
  if (code !== undefined && browser === true) throw usageError("--code and --browser exclude each other");
  if (code !== undefined) return "code";
  if (browser === true) return "browser";
  return setting(env, "ZOHO_REFRESH_TOKEN") === undefined ? undefined : "refresh-token";
}

async function askMethod(prompts: Prompts | undefined): Promise<Method> {
  if (prompts === undefined) {
    throw usageError(
      "there is no terminal to ask how you want to sign in",
      "add --code or --browser, or set ZOHO_REFRESH_TOKEN",
    );
  }
  const choice = await prompts.choose({
    message: "How do you want to sign in?",
    choices: [
      { value: "code", label: "with a code of a self client (simplest)" },
      { value: "browser", label: "in the browser, with a server-based client" },
      { value: "refresh-token", label: "with a refresh token that you have" },
    ],
  });
  return choice === "browser" || choice === "refresh-token" ? choice : "code";
}

const AUTO = "auto";

/** In the browser, Zoho itself finds the user's data centre: only a code or a token has to be tried. */
async function chooseCentres(
  { context, env, options, prompts }: Sources,
  method: Method,
  config: Config,
): Promise<readonly DataCentre[]> {
  const given = options.dc ?? setting(env, "ZOHO_DC");
  const choice = given?.toLowerCase() ?? (prompts === undefined ? "us" : await askCentre(prompts));
  if (choice !== AUTO) return [await centreNamed(context, config, choice)];
  if (setting(env, "ZOHO_ACCOUNTS_URL") !== undefined) {
    throw usageError("--dc auto tries Zoho's own servers, but ZOHO_ACCOUNTS_URL names another", "unset one of them");
  }
  return method === "browser" ? [findDataCentre("us")] : dataCentres;
}

function askCentre(prompts: Prompts): Promise<string> {
  const choices = dataCentres.map(({ id, title }) => ({ value: id, label: `${id}  ${title}` }));
  return prompts.choose({
    message: "Which data centre is the organisation in?",
    choices: [...choices, { value: AUTO, label: "I don't know: try each one, which sends it the client's secret" }],
    initial: "us",
  });
}

/** Before the first question that the console answers, since a code is only valid for minutes. */
function explainCode(
  context: Context<ApiRequestLine>,
  scopes: readonly string[],
  [only, ...others]: readonly DataCentre[],
): void {
  const centre = only === undefined || others.length > 0 ? findDataCentre("us") : only;
  const consoleUrl = centre.accountsUrl.replace("accounts.", "api-console.");
  const message = `Open ${consoleUrl}, create a Self Client, and generate a code with these scopes:`;
  for (const each of [message, scopes.join(",")]) context.report({ type: "notice", message: each });
}

/** The secret of a variable, else one that is typed in. */
async function readSecret(
  { env, prompts }: Sources,
  variable: "ZOHO_CLIENT_SECRET" | "ZOHO_REFRESH_TOKEN",
  message: string,
): Promise<Secret> {
  const given = setting(env, variable);
  if (given !== undefined) return secret(given, variable);
  const how = `set ${variable}, or ${variable}_FILE to the path of a file with it`;
  return secret(await ask(prompts, { message, how, hidden: true }), "typed in");
}

async function readGrant(sources: Sources, method: Method, scopes: readonly string[]): Promise<LoginPlan["obtain"]> {
  const { context, options, prompts } = sources;
  const { signal } = context;
  switch (method) {
    case "browser": {
      const port = parseInteger(options.port, "--port", 0, 65_535);
      return async (http, client) => {
        const { code, redirectUri, centre } = await grantInBrowser(context, http, client, { scopes, port });
        const named = { ...client, accountsUrl: centre?.accountsUrl ?? client.accountsUrl };
        const isNamed = centre !== undefined;
        return { tokens: await exchangeCode(http, named, code, { redirectUri, isNamed, signal }), centre };
      };
    }
    case "refresh-token": {
      const refreshToken = await readSecret(sources, "ZOHO_REFRESH_TOKEN", "Refresh token");
      return async (http, client) => {
        const tokens = await context.waiting("trying the refresh token", () =>
          refreshAccess(http, client, refreshToken, { signal }),
        );
        return { tokens: { ...tokens, refreshToken: refreshToken.reveal() } };
      };
    }
    case "code": {
      const code = await readCode(context, prompts, options.code);
      return async (http, client) => ({
        tokens: await context.waiting("exchanging the code", () => exchangeCode(http, client, code, { signal })),
      });
    }
  }
}

async function readCode(
  context: Context<ApiRequestLine>,
  prompts: Prompts | undefined,
  given: string | undefined,
): Promise<string> {
  if (given === "-") return (await readSecretInput(context, "--code")).reveal().trim();
  if (given?.trim() === "") throw usageError("--code is empty", "generate one in the API console");
  const question = { message: "Code of the self client", how: "add --code", hidden: true };
  return (given ?? (await ask(prompts, question))).trim();
}

async function ask(
  prompts: Prompts | undefined,
  { message, how, hidden = false }: { message: string; how: string; hidden?: boolean },
): Promise<string> {
  if (prompts === undefined) throw usageError(`there is no terminal to ask for the ${message.toLowerCase()}`, how);
  const answer = hidden ? await prompts.secret({ message }) : await prompts.text({ message });
  if (answer.trim() === "") throw usageError(`${message}: the answer is empty`);
  return answer.trim();
}
