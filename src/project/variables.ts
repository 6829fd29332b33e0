/** A variable that a folder's `.env` may set, by what it decides. */
export interface Variable {
  readonly decides: "account" | "program" | "proxy" | "tunnel";
  /** Its value is not shown. */
  readonly isSecret?: true;
}

/**
 * The variables that are read beside those of settings (`ZOHO_HOOKS_…`) and secrets (`ZOHO_WEBHOOK_…`). A `.env` sets
 * no others.
 */
export const VARIABLES = {
  NGROK_AUTHTOKEN: { decides: "tunnel", isSecret: true },
  CLOUDFLARED_PATH: { decides: "program" },
  ZOHO_CLIENT_ID: { decides: "account" },
  ZOHO_CLIENT_SECRET: { decides: "account", isSecret: true },
  ZOHO_REFRESH_TOKEN: { decides: "account", isSecret: true },
  ZOHO_ACCESS_TOKEN: { decides: "account", isSecret: true },
  ZOHO_DC: { decides: "account" },
  ZOHO_ENVIRONMENT: { decides: "account" },
  ZOHO_PROFILE: { decides: "account" },
  ZOHO_ACCOUNTS_URL: { decides: "account" },
  ZOHO_API_URL: { decides: "account" },
  http_proxy: { decides: "proxy" },
  https_proxy: { decides: "proxy" },
  all_proxy: { decides: "proxy" },
  no_proxy: { decides: "proxy" },
  HTTP_PROXY: { decides: "proxy" },
  HTTPS_PROXY: { decides: "proxy" },
  ALL_PROXY: { decides: "proxy" },
  NO_PROXY: { decides: "proxy" },
  EDITOR: { decides: "program" },
  VISUAL: { decides: "program" },
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableName = keyof typeof VARIABLES;

/** The process environment, with the project's `.env` for what is not set there. */
export type Env = {
  readonly [Name in VariableName | `${VariableName}_FILE` | `ZOHO_HOOKS_${string}` | `ZOHO_WEBHOOK_${string}`]?:
    | string
    | undefined;
};

/** Encrypts the secrets that receivers share in a log. */
export const STORE_KEY = "ZOHO_HOOKS_STORE_KEY";
/** Trusts all folders, or none by `CI=true`. */
export const TRUST_ALL = "ZOHO_HOOKS_TRUST";

/** Tells whether a variable may be in a `.env`: it decides neither about the user's own secrets nor about trust. */
export function isReadFromFile(name: string): name is keyof Env {
  if (name === TRUST_ALL || name.startsWith(STORE_KEY)) return false;
  return variableOf(name) !== undefined || /^ZOHO_(?:HOOKS|WEBHOOK)_/.test(name);
}

/** The row of a variable, also of one with `_FILE` that names the file of a secret. */
export function variableOf(name: string): Variable | undefined {
  const all: Readonly<Record<string, Variable>> = VARIABLES;
  if (Object.hasOwn(all, name)) return all[name];
  const base = name.replace(/_FILE$/, "");
  return Object.hasOwn(all, base) && all[base]?.isSecret === true ? all[base] : undefined;
}
