import { createHash } from "node:crypto";
import { usageError } from "../core/errors.ts";
import { type Secret, secret } from "../core/secret.ts";
import {
  type DataCentre,
  type Environment,
  findDataCentre,
  findEnvironment,
  type Hosts,
  resolveHosts,
} from "./data-centres.ts";
import type { OAuthClient } from "./oauth.ts";
import { areOf, requireTrustedHosts, type SettingsOfHosts } from "./trusted-hosts.ts";

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
