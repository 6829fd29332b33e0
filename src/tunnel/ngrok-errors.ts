import type { Secret } from "../delivery/secret.ts";
import { errorText, UserError } from "../util/errors.ts";

export interface NgrokErrorContext {
  readonly authtoken: Secret;
  readonly domain: string | undefined;
  readonly serverAddr: string;
}

interface Mapping {
  readonly exit: "credentials" | "connectionLost";
  readonly message: (context: NgrokErrorContext) => string;
  readonly hint: string;
}

const TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken";
const ALTERNATIVES = "or use --public-url URL or --tunnel none";

const wrongToken: Mapping = {
  exit: "credentials",
  message: ({ authtoken }) => `ngrok does not accept the authtoken from ${authtoken.origin}`,
  hint: `copy it again from ${TOKEN_PAGE}; it may have been reset, or be an API key instead of an authtoken`,
};
const foreignDomain: Mapping = {
  exit: "credentials",
  message: ({ domain, authtoken }) =>
    `the ngrok account of the authtoken from ${authtoken.origin} may not use ${domainText(domain)}`,
  hint: "reserve it at https://dashboard.ngrok.com/domains, use the account that owns it, or leave --domain out",
};
const account: Mapping = {
  exit: "credentials",
  message: () => "ngrok rejects this account",
  hint: `see https://dashboard.ngrok.com, ${ALTERNATIVES}`,
};
const oldAgent: Mapping = {
  exit: "connectionLost",
  message: () => "ngrok no longer serves this version of its agent",
  hint: `update zoho-hooks, ${ALTERNATIVES}`,
};
const blockedAddress: Mapping = {
  exit: "connectionLost",
  message: () => "ngrok does not accept agents from this IP address",
  hint: `use another network, or see the IP rules at https://dashboard.ngrok.com, ${ALTERNATIVES}`,
};

/** https://ngrok.com/docs/errors/reference */
const byCode: Readonly<Record<string, Mapping>> = {
  ERR_NGROK_102: account,
  ERR_NGROK_103: account,
  ERR_NGROK_105: wrongToken,
  ERR_NGROK_106: wrongToken,
  ERR_NGROK_107: wrongToken,
  ERR_NGROK_108: {
    exit: "connectionLost",
    message: () => "the ngrok account already runs as many agents at once as its plan allows",
    hint: `stop another one (https://dashboard.ngrok.com/agents lists them), ${ALTERNATIVES}`,
  },
  ERR_NGROK_115: blockedAddress,
  ERR_NGROK_116: blockedAddress,
  ERR_NGROK_120: oldAgent,
  ERR_NGROK_121: oldAgent,
  ERR_NGROK_313: foreignDomain,
  ERR_NGROK_314: foreignDomain,
  ERR_NGROK_319: foreignDomain,
  ERR_NGROK_320: foreignDomain,
  ERR_NGROK_324: {
    exit: "connectionLost",
    message: () => "the ngrok account already has as many endpoints as its plan allows",
    hint: `stop another one (https://dashboard.ngrok.com/endpoints lists them), ${ALTERNATIVES}`,
  },
  ERR_NGROK_334: {
    exit: "connectionLost",
    message: ({ domain }) => `another agent is already serving ${domainText(domain)}`,
    hint: "stop it (https://dashboard.ngrok.com/endpoints shows where it runs), or choose another name with --domain",
  },
  ERR_NGROK_4018: {
    exit: "credentials",
    message: ({ authtoken }) =>
      `ngrok requires a verified account, and the account of the authtoken from ${authtoken.origin} is not verified`,
    hint: `verify the account at https://dashboard.ngrok.com, and copy the token from ${TOKEN_PAGE}`,
  },
  ERR_NGROK_9040: blockedAddress,
};

/** Turns an error of the agent into one that says what to do. Removes the token, which the service repeats in its messages. */
export function mapNgrokError(error: unknown, context: NgrokErrorContext): UserError {
  if (error instanceof UserError) return error;
  const raw = errorText(error);
  const code = /ERR_NGROK_\d+/.exec(raw)?.[0];
  const text = cleanText(raw, context.authtoken);
  const known = code === undefined ? undefined : byCode[code];
  if (code !== undefined) {
    return new UserError(
      known?.exit ?? "connectionLost",
      known === undefined ? `ngrok rejected the tunnel: ${text} (${code})` : `${known.message(context)} (${code})`,
      known?.hint ?? `https://ngrok.com/docs/errors/${code.toLowerCase()} explains the code, ${ALTERNATIVES}`,
      code,
    );
  }
  const tls = /tls handshake|certificate/i.test(raw);
  return new UserError(
    "connectionLost",
    `the ngrok agent could not connect to ${context.serverAddr}: ${text}`,
    tls
      ? "something between this machine and ngrok replaces the certificate: set tunnel.rootCas to the PEM file of its CA, " +
          'or to "host" for the CAs of this system'
      : `check the network, ${ALTERNATIVES}`,
    "ngrokFailed",
  );
}

export function missingAuthtoken(): UserError {
  return new UserError(
    "credentials",
    "ngrok needs an authtoken, and none is configured",
    `get one at ${TOKEN_PAGE} and set NGROK_AUTHTOKEN, ${ALTERNATIVES}`,
    "ngrokAuthtokenMissing",
  );
}

function domainText(domain: string | undefined): string {
  return domain === undefined ? "this endpoint" : `the domain ${domain}`;
}

/** One line without the token, the agent's prefix and control characters. */
function cleanText(raw: string, authtoken: Secret): string {
  const token = authtoken.reveal();
  const text = (token === "" ? raw : raw.replaceAll(token, "[authtoken]"))
    .replace(/\s*error_code: ERR_NGROK_\d+$/, "")
    .replace(/^failed to (?:connect session|start listener): /, "")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
