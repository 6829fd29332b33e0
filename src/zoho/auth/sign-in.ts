import { createHash } from "node:crypto";
import { type Secret, secret } from "../../body/secret.ts";
import { usageError } from "../../util/errors.ts";
import { findWatchProduct, watchProductIds } from "../channels/products.ts";
import {
  areOf,
  type DataCentre,
  type Environment,
  findDataCentre,
  findEnvironment,
  type Hosts,
  requireTrustedHosts,
  resolveHosts,
  type SettingsOfHosts,
} from "../data-centres.ts";
import { managedProducts } from "../webhooks/index.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** All that is needed to talk to Zoho for one organisation. */
export interface SignIn {
  /** The profile's name, or "environment". */
  readonly name: string;
  readonly centre: DataCentre;
  readonly environment: Environment;
  readonly hosts: Hosts;
  readonly scopes: readonly string[];
  readonly access: RefreshableAccess | FixedAccess;
}

/**
 * Tells sign-ins of one name apart, in the environments of different projects, say: one client may have a refresh token of
 * each of several organisations.
 */
export function accountOf({ name, hosts, environment, access }: SignIn): string {
  const common = [hosts.accountsUrl, environment];
  if (access.kind === "fixed") return common.join(" ");
  const token = createHash("sha256").update(access.refreshToken.reveal()).digest("hex").slice(0, 16);
  return [...common, access.client.clientId, ...(name === ENVIRONMENT ? [token] : [])].join(" ");
}

const ENVIRONMENT = "environment";

/** Access tokens are made from a refresh token whenever one is needed. */
export interface RefreshableAccess {
  readonly kind: "refreshable";
  readonly client: OAuthClient;
  readonly refreshToken: Secret;
}

/** One access token, good for an hour, and nothing to make another from. */
interface FixedAccess {
  readonly kind: "fixed";
  readonly accessToken: Secret;
}

const REFRESH_VARIABLES = ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"] as const;

/**
 * The sign-in that the environment describes, as in CI: `ZOHO_CLIENT_ID`, `ZOHO_CLIENT_SECRET` and
 * `ZOHO_REFRESH_TOKEN`, or `ZOHO_ACCESS_TOKEN` alone; with `ZOHO_DC` and `ZOHO_ENVIRONMENT`.
 * Undefined when neither token is set: client id and secret alone are for `login`.
 */
export function signInFromEnv(settings: SettingsOfHosts): SignIn | undefined {
  const { env } = settings;
  const refreshToken = setting(env, "ZOHO_REFRESH_TOKEN");
  const accessToken = setting(env, "ZOHO_ACCESS_TOKEN");
  if (refreshToken === undefined && accessToken === undefined) return undefined;
  const centre = findDataCentre(setting(env, "ZOHO_DC") ?? "us");
  requireTrustedHosts(settings, (_, file) => areOf(file, settings, ["ZOHO_ACCESS_TOKEN", ...REFRESH_VARIABLES]));
  const hosts = resolveHosts(centre, env);
  const common = {
    name: ENVIRONMENT,
    centre,
    environment: findEnvironment(setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    hosts,
    scopes: [],
  };
  if (refreshToken === undefined) {
    return { ...common, access: { kind: "fixed", accessToken: secret(accessToken ?? "", "ZOHO_ACCESS_TOKEN") } };
  }
  const clientId = setting(env, "ZOHO_CLIENT_ID");
  const clientSecret = setting(env, "ZOHO_CLIENT_SECRET");
  if (clientId === undefined || clientSecret === undefined) {
    const missing = REFRESH_VARIABLES.filter((name) => setting(env, name) === undefined);
    throw usageError(
      `ZOHO_REFRESH_TOKEN is set, and ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not`,
      "a refresh token works only with the client that it was made for: set all three",
    );
  }
  return {
    ...common,
    access: {
      kind: "refreshable",
      client: {
        accountsUrl: hosts.accountsUrl,
        clientId,
        clientSecret: secret(clientSecret, "ZOHO_CLIENT_SECRET"),
      },
      refreshToken: secret(refreshToken, "ZOHO_REFRESH_TOKEN"),
    },
  };
}

/** A variable that is set and empty is a mistake (a secret of CI that is not there), never the same as unset. */
export function setting(env: Env, name: string): string | undefined {
  const value = env[name];
  if (value === undefined) return undefined;
  if (value.trim() !== "") return value.trim();
  throw usageError(`${name} is set and empty`, "give it a value or unset it");
}

/** What a person does to sign in anew in the place of a sign-in that does not do. */
export interface SignInAgain {
  readonly how: string;
  /** The same where the organisation may live in another data centre. */
  readonly elsewhere: string;
}

/** For whoever has no sign-in yet. */
export const FIRST_SIGN_IN: SignInAgain = {
  how: "zoho-hooks login",
  elsewhere: "zoho-hooks login --dc auto finds the data centre",
};

/** What is known of a sign-in without its secrets. */
export type Known = Pick<SignIn, "name" | "centre" | "environment" | "scopes">;

/** A scope that the sign-in lacks, and the product that it is of. */
interface Lack {
  readonly product: string;
  /** One that `login` does not ask for with the product. */
  readonly beyond: string | undefined;
}

/**
 * `login` makes a profile anew: what its flags do not name of the products, the data centre and the environment would be
 * lost, and without a name another profile. The environment's sign-in goes before every profile: no `login` takes its place.
 */
export function signInAgain(
  { name, centre, environment, scopes, access }: Known & Partial<Pick<SignIn, "access">>,
  lack?: Lack,
): SignInAgain {
  if (name === "environment") {
    const variable = access?.kind === "fixed" ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
    return { how: `set ${variable} to a new one`, elsewhere: "ZOHO_DC names the data centre" };
  }
  const had = signInProducts().filter((each) => each.scopes.every((scope) => scopes.includes(scope)));
  const ids = [...(lack === undefined ? [] : [lack.product]), ...had.map(({ id }) => id)];
  const products = [...new Set(ids)].map((id) => `--product ${id}`);
  const command = (dc: string): string =>
    [
      "zoho-hooks login",
      ...(products.join() === "--product crm" && lack === undefined ? [] : products),
      ...(lack?.beyond === undefined ? [] : [`--scope ${lack.beyond}`]),
      ...(dc === "us" ? [] : [`--dc ${dc}`]),
      ...(environment === "production" ? [] : [`--environment ${environment}`]),
      ...(name === "default" ? [] : [`--profile ${name}`]),
    ].join(" ");
  return { how: command(centre.id), elsewhere: `${command("auto")} finds the data centre` };
}

interface SignInProduct {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** The products whose APIs are called here, with what a sign-in needs for them. */
function signInProducts(): readonly SignInProduct[] {
  return [...watchProductIds.map((id) => findWatchProduct(id)), ...managedProducts];
}

export function findSignInProduct(id: string): SignInProduct {
  const found = signInProducts().find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  const ids = signInProducts().map((each) => each.id);
  throw usageError(`there is nothing to sign in for of ${JSON.stringify(id)}`, `products: ${ids.join(", ")}`);
}

/** Who asks: an OAuth client of https://api-console.zoho.com at the accounts server of its data centre. */
export interface OAuthClient {
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}
