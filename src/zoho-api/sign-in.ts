import { createHash } from "node:crypto";
import { type Secret, secret } from "../delivery/secret.ts";
import type { Env, VariableName } from "../project/variables.ts";
import { usageError } from "../util/errors.ts";
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
  const refreshToken = setting(env, "ZOHO_REFRESH_TOKEN");
  const accessToken = setting(env, "ZOHO_ACCESS_TOKEN");
  const hosts = resolveHosts(centre, env);
  const ofVariable = (name: string, value: string): Secret => secret(value, name);
  const common = {
    name: ENVIRONMENT,
    centre,
    environment: findEnvironment(setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    hosts,
    scopes: [],
  };
  if (refreshToken === undefined) {
    return { ...common, access: { kind: "fixed", accessToken: ofVariable("ZOHO_ACCESS_TOKEN", accessToken ?? "") } };
  }
  const clientId = setting(env, "ZOHO_CLIENT_ID");
  const clientSecret = setting(env, "ZOHO_CLIENT_SECRET");
  if (clientId === undefined || clientSecret === undefined) {
    const missing = REFRESH_VARIABLES.filter((name) => setting(env, name) === undefined);
    throw usageError(
      `ZOHO_REFRESH_TOKEN is set, but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not`,
      "a refresh token works only with the client that it was issued to: set all three",
    );
  }
  return {
    ...common,
    access: {
      kind: "refreshable",
      client: {
        accountsUrl: hosts.accountsUrl,
        clientId,
        clientSecret: ofVariable("ZOHO_CLIENT_SECRET", clientSecret),
      },
      refreshToken: ofVariable("ZOHO_REFRESH_TOKEN", refreshToken),
    },
  };
}

/** Whether the environment has a sign-in, complete or not. Client id and secret alone are for `login`. */
export function hasEnvSignIn(env: Env): boolean {
  return setting(env, "ZOHO_REFRESH_TOKEN") !== undefined || setting(env, "ZOHO_ACCESS_TOKEN") !== undefined;
}

/** A variable that is set but empty is a mistake, such as a missing CI secret, and not the same as unset. */
export function setting(env: Env, name: VariableName): string | undefined {
  const value = env[name];
  if (value === undefined) return undefined;
  if (value.trim() !== "") return value.trim();
  throw usageError(`${name} is set but empty`, "give it a value or unset it");
}

/** How to replace a sign-in that does not work. */
export interface SignInAgain {
  readonly how: string;
  /** If the organisation may be in another data centre. */
  readonly elsewhere: string;
}

export const FIRST_SIGN_IN: SignInAgain = {
  how: "zoho-hooks login",
  elsewhere: "zoho-hooks login --dc auto finds the data centre",
};

/** A sign-in without its secrets. */
export type SignInFacts = Pick<SignIn, "name" | "centre" | "environment" | "scopes">;

/** The scope that a sign-in lacks. */
interface Missing {
  readonly product: string;
  /** A scope that `login` does not request with the product. */
  readonly scope: string | undefined;
}

/**
 * `login` replaces a profile, so the command names its products, data centre and environment, which would be lost
 * otherwise. It does not help the environment's sign-in, which has precedence over every profile.
 */
export function signInAgain(
  { name, centre, environment, scopes, access }: SignInFacts & Partial<Pick<SignIn, "access">>,
  missing?: Missing,
): SignInAgain {
  if (name === "environment") {
    const variable = access?.kind === "fixed" ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
    return { how: `set ${variable} to a new one`, elsewhere: "ZOHO_DC names the data centre" };
  }
  const ids = [...(missing === undefined ? [] : [missing.product]), ...productsOf(scopes)];
  const products = [...new Set(ids)].map((id) => `--product ${id}`);
  const command = (dc: string): string =>
    [
      "zoho-hooks login",
      ...(products.join() === "--product crm" && missing === undefined ? [] : products),
      ...(missing?.scope === undefined ? [] : [`--scope ${missing.scope}`]),
      ...(dc === "us" ? [] : [`--dc ${dc}`]),
      ...(environment === "production" ? [] : [`--environment ${environment}`]),
      ...(name === "default" ? [] : [`--profile ${name}`]),
    ].join(" ");
  return { how: command(centre.id), elsewhere: `${command("auto")} finds the data centre` };
}
