import { createHash } from "node:crypto";
import { secret } from "../delivery/secrets.ts";
import { readSecretVariable } from "../project/secret-variables.ts";
import type { Env, VariableName } from "../project/variables.ts";
import { usageError } from "../util/errors.ts";
import { type DataCentre, findEnvironment, type Hosts, resolveHosts } from "./data-centres.ts";
import { ENVIRONMENT, type SignIn } from "./sign-in.ts";

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

/** Distinguishes sign-ins of the same name: in the environment, one client may have tokens of several organisations. */
export function accountOf({ name, hosts, environment, access }: SignIn): string {
  const common = [hosts.accountsUrl, environment];
  if (access.kind === "fixed") return common.join(" ");
  const token = createHash("sha256").update(access.refreshToken.reveal()).digest("hex").slice(0, 16);
  return [...common, access.client.clientId, ...(name === ENVIRONMENT ? [token] : [])].join(" ");
}
