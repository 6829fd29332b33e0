import { type Secret, secret } from "../../body/secret.ts";
import type { Context } from "../../context.ts";
import type { Prompts } from "../../reports/prompts.ts";
import { usageError } from "../../util/errors.ts";
import { parseInteger } from "../../util/units.ts";
import { findSignInProduct, setting } from "../../zoho/auth/sign-in.ts";
import {
  type DataCentre,
  dataCentres,
  type Environment,
  findDataCentre,
  findEnvironment,
} from "../../zoho/data-centres.ts";
import { readUserFile } from "../helpers/options.ts";

export interface LoginOptions {
  readonly code?: string;
  readonly browser?: boolean;
  readonly device?: boolean;
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
  | { readonly kind: "device" }
  | { readonly kind: "refresh-token"; readonly refreshToken: Secret };

/** All that a sign-in needs, with nothing left to ask. */
export interface LoginPlan {
  readonly method: Method;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Where to ask, in this order, until one of them knows the sign-in. */
  readonly centres: readonly DataCentre[];
  readonly environment: Environment;
  readonly scopes: readonly string[];
  readonly profile: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Flags, then the environment, then questions; what is still missing without a terminal is an error that names the flag. */
export async function readLoginPlan(context: Context, env: Env, options: LoginOptions): Promise<LoginPlan> {
  const asked = (options.product ?? ["crm"]).flatMap((id) => findSignInProduct(id).scopes);
  const scopes = [...new Set([...asked, ...(options.scope ?? [])])];
  const prompts = await context.prompts();
  const given = givenMethod(env, options);
  const method = given ?? (await askMethod(prompts));
  const centres = await centresToAsk(prompts, env, options.dc ?? setting(env, "ZOHO_DC"), method);
  const clientId =
    options.clientId ?? setting(env, "ZOHO_CLIENT_ID") ?? (await ask(prompts, "text", "Client id", "--client-id"));
  const clientSecret = await readClientSecret(context, env, options, prompts);
  return {
    method: await withCode(context, env, method, options, prompts, scopes),
    clientId: clientId.trim(),
    clientSecret,
    centres,
    environment: findEnvironment(options.environment ?? setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    scopes,
    profile: options.profile,
  };

  async function askMethod(asked: Prompts | undefined): Promise<"code" | "browser" | "device"> {
    if (asked === undefined) {
      throw usageError(
        "login has no terminal on which to ask how you want to sign in",
        "add --code, --browser, --device or --refresh-token-file",
      );
    }
    const choice = await asked.choose({
      message: "How do you want to sign in?",
      choices: [
        { value: "code", label: "with a code of a self client (simplest)" },
        { value: "browser", label: "by browser, with a server-based client" },
        { value: "device", label: "by a code typed on another device" },
      ],
    });
    return choice === "browser" || choice === "device" ? choice : "code";
  }
}

function givenMethod(env: Env, options: LoginOptions): "code" | "browser" | "device" | "refresh-token" | undefined {
  const given = [
    ...(options.code === undefined ? [] : (["code"] as const)),
    ...(options.browser === true ? (["browser"] as const) : []),
    ...(options.device === true ? (["device"] as const) : []),
    ...(options.refreshTokenFile === undefined ? [] : (["refresh-token"] as const)),
  ];
  if (given.length > 1) throw usageError("--code, --browser, --device and --refresh-token-file exclude one another");
  return given[0] ?? (setting(env, "ZOHO_REFRESH_TOKEN") === undefined ? undefined : "refresh-token");
}

async function withCode(
  context: Context,
  env: Env,
  method: "code" | "browser" | "device" | "refresh-token",
  options: LoginOptions,
  prompts: Prompts | undefined,
  scopes: readonly string[],
): Promise<Method> {
  if (method === "device") return { kind: "device" };
  if (method === "browser")
    return { kind: "browser", port: parseInteger(options.port, "--port", 0, 65_535), open: options.open };
  if (method === "refresh-token") {
    const file = options.refreshTokenFile;
    const value =
      file === undefined ? setting(env, "ZOHO_REFRESH_TOKEN") : await secretText(context, file, "--refresh-token-file");
    return { kind: "refresh-token", refreshToken: secret(value?.trim() ?? "", file ?? "ZOHO_REFRESH_TOKEN") };
  }
  if (options.code !== undefined) {
    const code = options.code === "-" ? await secretText(context, "-", "--code") : options.code.trim();
    if (code === "") throw usageError("--code is empty", "generate one in the API console");
    return { kind: "code", code: secret(code, "--code") };
  }
  context.report({ type: "notice", message: `Generate a code with the scopes ${scopes.join(",")}` });
  return { kind: "code", code: secret(await ask(prompts, "secret", "Code of the self client", "--code"), "typed in") };
}

const AUTO = "auto";

/** By browser and on another device Zoho itself says where the user lives: only a code or a token has to be tried. */
async function centresToAsk(
  prompts: Prompts | undefined,
  env: Env,
  given: string | undefined,
  method: Method["kind"],
): Promise<readonly DataCentre[]> {
  const choice = given?.toLowerCase() ?? (prompts === undefined ? "us" : await askCentre(prompts));
  if (choice !== AUTO) return [findDataCentre(choice)];
  if (setting(env, "ZOHO_ACCOUNTS_URL") !== undefined) {
    throw usageError("--dc auto asks Zoho's own servers, and ZOHO_ACCOUNTS_URL names another", "unset one of them");
  }
  return method === "code" || method === "refresh-token" ? dataCentres : [findDataCentre("us")];
}

function askCentre(prompts: Prompts): Promise<string> {
  const choices = dataCentres.map(({ id, title }) => ({ value: id, label: `${id}  ${title}` }));
  return prompts.choose({
    message: "Which data centre is the organisation in?",
    choices: [
      ...choices,
      { value: AUTO, label: "I don't know: ask each of them, which sends them the client's secret" },
    ],
    initial: "us",
  });
}

async function readClientSecret(
  context: Context,
  env: Env,
  options: LoginOptions,
  prompts: Prompts | undefined,
): Promise<Secret> {
  const file = options.clientSecretFile;
  if (file !== undefined) return secret(await secretText(context, file, "--client-secret-file"), file);
  const fromEnv = setting(env, "ZOHO_CLIENT_SECRET");
  if (fromEnv !== undefined) return secret(fromEnv, "ZOHO_CLIENT_SECRET");
  return secret(await ask(prompts, "secret", "Client secret", "--client-secret-file"), "typed in");
}

async function secretText(context: Context, path: string, flag: string): Promise<string> {
  const bytes = path === "-" ? await context.stdin.read() : readUserFile(context.cwd, path);
  const text = bytes.toString("utf8").trim();
  if (text === "") throw usageError(`${flag}: ${path === "-" ? "standard input" : path} is empty`);
  return text;
}

async function ask(
  prompts: Prompts | undefined,
  kind: "text" | "secret",
  message: string,
  flag: string,
): Promise<string> {
  if (prompts === undefined)
    throw usageError(`${flag} is missing`, `add ${flag}, because there is no terminal to ask on`);
  const answer = kind === "text" ? await prompts.text({ message }) : await prompts.secret({ message });
  if (answer.trim() === "") throw usageError(`${message}: the answer is empty`);
  return answer.trim();
}
