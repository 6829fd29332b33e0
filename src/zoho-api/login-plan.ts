import { type Secret, secret } from "../delivery/secret.ts";
import type { Prompts } from "../process/prompts.ts";
import type { Context } from "../project/context.ts";
import { readSecretFile } from "../project/given-secrets.ts";
import type { Config } from "../project/load.ts";
import { usageError } from "../util/errors.ts";
import { parseInteger } from "../util/units.ts";
import { type DataCentre, dataCentres, type Environment, findDataCentre, findEnvironment } from "./data-centres.ts";
import { loginScopes } from "./scopes.ts";
import { centreNamed } from "./session.ts";
import { setting } from "./sign-in.ts";

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
  readonly profile: string;
  readonly port: string;
  readonly open: boolean;
  readonly keyring: boolean;
}

type Method =
  | { readonly kind: "code"; readonly code: Secret }
  | { readonly kind: "browser"; readonly port: number; readonly open: boolean }
  | { readonly kind: "refresh-token"; readonly refreshToken: Secret };

/** Everything that a sign-in needs, with nothing left to ask. */
export interface LoginPlan {
  readonly method: Method;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Tried in this order, until one of them knows the sign-in. */
  readonly centres: readonly DataCentre[];
  readonly environment: Environment;
  readonly scopes: readonly string[];
  readonly profile: string;
}

/** Where the values of a plan come from. */
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
  const scopes = [
    ...new Set([...(options.product ?? ["crm"]).flatMap((id) => loginScopes(id)), ...(options.scope ?? [])]),
  ];
  const prompts = await context.prompts();
  const sources = { context, env, options, prompts };
  const kind = givenMethod(sources) ?? (await askMethod(prompts));
  const centres = await chooseCentres(sources, kind, config);
  if (kind === "code" && options.code === undefined) explainCode(context, scopes, centres);
  const clientId =
    options.clientId ??
    setting(env, "ZOHO_CLIENT_ID") ??
    (await ask(prompts, { message: "Client id", flag: "--client-id" }));
  const clientSecret = await readClientSecret(sources);
  return {
    method: await readMethod(sources, kind),
    clientId: clientId.trim(),
    clientSecret,
    centres,
    environment: findEnvironment(options.environment ?? setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    scopes,
    profile: options.profile,
  };
}

function givenMethod({ env, options }: Sources): Method["kind"] | undefined {
  const given = [
    ...(options.code === undefined ? [] : (["code"] as const)),
    ...(options.browser === true ? (["browser"] as const) : []),
    ...(options.refreshTokenFile === undefined ? [] : (["refresh-token"] as const)),
  ];
  if (given.length > 1) throw usageError("--code, --browser and --refresh-token-file exclude one another");
  return given[0] ?? (setting(env, "ZOHO_REFRESH_TOKEN") === undefined ? undefined : "refresh-token");
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
  method: Method["kind"],
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

async function readMethod({ context, env, options, prompts }: Sources, kind: Method["kind"]): Promise<Method> {
  switch (kind) {
    case "browser":
      return { kind, port: parseInteger(options.port, "--port", 0, 65_535), open: options.open };
    case "refresh-token": {
      const file = options.refreshTokenFile;
      const fromEnv = setting(env, "ZOHO_REFRESH_TOKEN")?.trim() ?? "";
      const refreshToken =
        file === undefined
          ? secret(fromEnv, "ZOHO_REFRESH_TOKEN")
          : await readTrimmed(context, file, "--refresh-token-file");
      return { kind, refreshToken };
    }
    case "code": {
      if (options.code === "-") return { kind, code: await readTrimmed(context, "-", "--code") };
      if (options.code?.trim() === "") throw usageError("--code is empty", "generate one in the API console");
      const typed =
        options.code ?? (await ask(prompts, { message: "Code of the self client", flag: "--code", hidden: true }));
      return { kind, code: secret(typed.trim(), "--code") };
    }
  }
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
