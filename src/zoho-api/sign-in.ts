import type { Secret } from "../delivery/secrets.ts";
import { UserError } from "../util/errors.ts";
import type { DataCentre, Environment, Hosts } from "./data-centres.ts";
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

/** The name of a sign-in that no profile has. */
export const ENVIRONMENT = "environment";

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
  if (name === ENVIRONMENT) {
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
