import { createHash } from "node:crypto";
import { type Secret, secret } from "../delivery/secrets.ts";
import { readSecretVariable } from "../project/secret-variables.ts";
import type { Env, VariableName } from "../project/variables.ts";
import { UserError, usageError } from "../util/errors.ts";
import { type DataCentre, type Environment, findEnvironment, type Hosts, resolveHosts } from "./data-centres.ts";
import { productsOf } from "./scopes.ts";

/** Access to Zoho for one organisation. */
export interface SignIn {
  /** The profile's name, or "environment". */
  readonly name: string;
  readonly centre: DataCentre;
  readonly environment: Environment;
  readonly hosts: Hosts;
  readonly scopes: readonly string[];
  readonly access: RefreshableAccess | FixedAccess;
}

/** Distinguishes sign-ins of the same name: in the environment, one client may have tokens of several organisations. */
export function accountOf({ name, hosts, environment, access }: SignIn): string {
  const common = [hosts.accountsUrl, environment];
  if (access.kind === "fixed") return common.join(" ");
  const token = createHash("sha256").update(access.refreshToken.reveal()).digest("hex").slice(0, 16);
  return [...common, access.client.clientId, ...(name === ENVIRONMENT ? [token] : [])].join(" ");
}

const ENVIRONMENT = "environment";

/** An OAuth client of https://api-console.zoho.com, at the accounts server of its data centre. */
export interface OAuthClient {
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}

export interface RefreshableAccess {
  readonly kind: "refreshable";
  readonly client: OAuthClient;
  readonly refreshToken: Secret;
}

/** One access token, valid for an hour, that cannot be refreshed. */
export interface FixedAccess {
  readonly kind: "fixed";
  readonly accessToken: Secret;
}

const REFRESH_VARIABLES = ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"] as const;

/**
 * The sign-in of the environment, as in CI: `ZOHO_CLIENT_ID`, `ZOHO_CLIENT_SECRET` and `ZOHO_REFRESH_TOKEN`, or
 * `ZOHO_ACCESS_TOKEN` alone; with `ZOHO_ENVIRONMENT`. `centre`: that of `ZOHO_DC`.
 */
export function signInFromEnv(env: Env, centre: DataCentre): SignIn {
  const hosts = resolveHosts(centre, env);
  const access = accessFromEnv(env, hosts);
  const environment = findEnvironment(setting(env, "ZOHO_ENVIRONMENT") ?? "production");
  return { name: ENVIRONMENT, centre, environment, hosts, scopes: [], access };
}

function accessFromEnv(env: Env, { accountsUrl }: Hosts): SignIn["access"] {
  const refreshToken = setting(env, "ZOHO_REFRESH_TOKEN");
  const accessToken = setting(env, "ZOHO_ACCESS_TOKEN") ?? "";
  if (refreshToken === undefined) return { kind: "fixed", accessToken: secret(accessToken, "ZOHO_ACCESS_TOKEN") };
  const clientId = setting(env, "ZOHO_CLIENT_ID");
  const clientSecret = setting(env, "ZOHO_CLIENT_SECRET");
  if (clientId === undefined || clientSecret === undefined) {
    const missing = REFRESH_VARIABLES.filter((name) => setting(env, name) === undefined);
    throw usageError(
      `ZOHO_REFRESH_TOKEN is set, but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not`,
      "a refresh token works only with the client that it was issued to: set all three",
    );
  }
  const client = { accountsUrl, clientId, clientSecret: secret(clientSecret, "ZOHO_CLIENT_SECRET") };
  return { kind: "refreshable", client, refreshToken: secret(refreshToken, "ZOHO_REFRESH_TOKEN") };
}

/** Whether the environment has a sign-in, complete or not. Client id and secret alone are for `login`. */
export function hasEnvSignIn(env: Env): boolean {
  return setting(env, "ZOHO_REFRESH_TOKEN") !== undefined || setting(env, "ZOHO_ACCESS_TOKEN") !== undefined;
}

/** A variable that is set but empty is a mistake, such as a missing CI secret, and not the same as unset. */
export function setting(env: Env, name: VariableName): string | undefined {
  return readSecretVariable(env, name)?.reveal().trim();
}

/** An error of the sign-in: exit code 6. */
export function signInError(message: string, hint: string | undefined, code?: string): UserError {
  return new UserError("credentials", message, hint, code);
}

/** How to replace a sign-in that does not work. */
export interface SignInAgain {
  readonly how: string;
  /** If the organisation may be in another data centre. */
  readonly elsewhere: string;
}

/** A sign-in without its secrets. */
export type SignInFacts = Pick<SignIn, "name" | "centre" | "environment" | "scopes">;

/**
 * `login` replaces a profile, so the command names its products, data centre and environment, which would be lost
 * otherwise. It does not help the environment's sign-in, which has precedence over every profile. `missing`: the product that
 * is to be added, with a scope that `login` does not request with it.
 */
export function signInAgain(
  { name, centre, environment, scopes, access }: SignInFacts & Partial<Pick<SignIn, "access">>,
  missing?: { readonly product: string; readonly scope?: string | undefined },
): SignInAgain {
  if (name === "environment") {
    const variable = access?.kind === "fixed" ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
    return { how: `set ${variable} to a new one`, elsewhere: "ZOHO_DC names the data centre" };
  }
  const ids = [...(missing === undefined ? [] : [missing.product]), ...productsOf(scopes)];
  const products = [...new Set(ids)].map((id) => `--product ${id}`);
  const command = (dc: string): string =>
    [
      ...(environment === "production" ? [] : [`ZOHO_ENVIRONMENT=${environment}`]),
      "zoho-hooks login",
      ...(products.join() === "--product crm" && missing === undefined ? [] : products),
      ...(missing?.scope === undefined ? [] : [`--scope ${missing.scope}`]),
      ...(dc === "us" ? [] : [`--dc ${dc}`]),
      ...(name === "default" ? [] : [`--profile ${name}`]),
    ].join(" ");
  return { how: command(centre.id), elsewhere: `${command("auto")} finds the data centre` };
}
