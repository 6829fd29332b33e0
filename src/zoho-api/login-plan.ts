import { type Secret, secret } from "../delivery/secrets.ts";
import type { Prompts } from "../process/prompts.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { readSecretFile } from "../project/secret-variables.ts";
import { usageError } from "../util/errors.ts";
import { parseInteger } from "../util/units.ts";
import { grantInBrowser } from "./browser-login.ts";
import { type DataCentre, dataCentres, type Environment, findDataCentre, findEnvironment } from "./data-centres.ts";
import type { ZohoHttp } from "./http.ts";
import { exchangeCode, refreshAccess, type TokenReply } from "./oauth.ts";
import { loginScopes } from "./scopes.ts";
import { centreNamed } from "./session.ts";
import { type OAuthClient, setting } from "./sign-in.ts";

export interface LoginOptions {
  readonly code?: string;
  readonly browser?: boolean;
  readonly refreshTokenFile?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly dc?: string;
  readonly environment?: string;
  readonly product?: readonly string[];
  readonly scope?: readonly string[];
  readonly profile?: string;
  readonly port: string;
  readonly open: boolean;
  readonly keyring: boolean;
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
  readonly context: Context;
  readonly env: Config["env"];
  readonly options: LoginOptions;
  /** Undefined without a terminal. */
  readonly prompts: Prompts | undefined;
}

/** From flags, else the environment, else questions. Without a terminal, a missing value is an error that names its flag. */
export async function readLoginPlan(context: Context, config: Config, options: LoginOptions): Promise<LoginPlan> {
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
    (await ask(prompts, { message: "Client id", flag: "--client-id" }));
  const clientSecret = await readClientSecret(sources);
  return {
    clientId: clientId.trim(),
    clientSecret,
    centres,
    environment: findEnvironment(options.environment ?? setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    scopes,
    obtain: await readGrant(sources, method, scopes),
  };
}

function givenMethod({ env, options: { code, browser, refreshTokenFile } }: Sources): Method | undefined {
  if ([code, browser, refreshTokenFile].filter((each) => each !== undefined).length > 1)
    throw usageError("--code, --browser and --refresh-token-file exclude one another");
  if (code !== undefined) return "code";
  if (browser === true) return "browser";
  const isGiven = refreshTokenFile !== undefined || setting(env, "ZOHO_REFRESH_TOKEN") !== undefined;
  return isGiven ? "refresh-token" : undefined;
}

async function askMethod(prompts: Prompts | undefined): Promise<"code" | "browser"> {
  if (prompts === undefined) {
    throw usageError(
      "there is no terminal to ask how you want to sign in",
      "add --code, --browser or --refresh-token-file",
    );
  }
  const choice = await prompts.choose({
    message: "How do you want to sign in?",
    choices: [
      { value: "code", label: "with a code of a self client (simplest)" },
      { value: "browser", label: "in the browser, with a server-based client" },
    ],
  });
  return choice === "browser" ? choice : "code";
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
function explainCode(context: Context, scopes: readonly string[], [only, ...others]: readonly DataCentre[]): void {
  const centre = only === undefined || others.length > 0 ? findDataCentre("us") : only;
  const consoleUrl = centre.accountsUrl.replace("accounts.", "api-console.");
  const message = `Open ${consoleUrl}, create a Self Client, and generate a code with these scopes:`;
  for (const each of [message, scopes.join(",")]) context.report({ type: "notice", message: each });
}

async function readClientSecret({ context, env, options, prompts }: Sources): Promise<Secret> {
  const file = options.clientSecretFile;
  if (file !== undefined) return readTrimmed(context, file, "--client-secret-file");
  const fromEnv = setting(env, "ZOHO_CLIENT_SECRET");
  if (fromEnv !== undefined) return secret(fromEnv, "ZOHO_CLIENT_SECRET");
  const typed = await ask(prompts, { message: "Client secret", flag: "--client-secret-file", hidden: true });
  return secret(typed, "typed in");
}

async function readGrant(
  { context, env, options, prompts }: Sources,
  method: Method,
  scopes: readonly string[],
): Promise<LoginPlan["obtain"]> {
  const { signal } = context;
  switch (method) {
    case "browser": {
      const port = parseInteger(options.port, "--port", 0, 65_535);
      return async (http, client) => {
        const { code, redirectUri, centre } = await grantInBrowser(context, http, client, { ...options, scopes, port });
        const named = { ...client, accountsUrl: centre?.accountsUrl ?? client.accountsUrl };
        const isNamed = centre !== undefined;
        return { tokens: await exchangeCode(http, named, code, { redirectUri, isNamed, signal }), centre };
      };
    }
    case "refresh-token": {
      const file = options.refreshTokenFile;
      const refreshToken =
        file === undefined
          ? secret(setting(env, "ZOHO_REFRESH_TOKEN") ?? "", "ZOHO_REFRESH_TOKEN")
          : await readTrimmed(context, file, "--refresh-token-file");
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

async function readCode(context: Context, prompts: Prompts | undefined, given: string | undefined): Promise<string> {
  if (given === "-") return (await readTrimmed(context, "-", "--code")).reveal();
  if (given?.trim() === "") throw usageError("--code is empty", "generate one in the API console");
  const question = { message: "Code of the self client", flag: "--code", hidden: true };
  return (given ?? (await ask(prompts, question))).trim();
}

async function readTrimmed(context: Context, path: string, flag: string): Promise<Secret> {
  const read = await readSecretFile(context, path, flag);
  return secret(read.reveal().trim(), read.origin);
}

async function ask(
  prompts: Prompts | undefined,
  { message, flag, hidden = false }: { message: string; flag: string; hidden?: boolean },
): Promise<string> {
  if (prompts === undefined) throw usageError(`there is no terminal to ask for ${flag}`, `add ${flag}`);
  const answer = hidden ? await prompts.secret({ message }) : await prompts.text({ message });
  if (answer.trim() === "") throw usageError(`${message}: the answer is empty`);
  return answer.trim();
}
