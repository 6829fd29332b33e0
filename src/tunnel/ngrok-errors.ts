import type { Secret } from "../delivery/secrets.ts";
import { errorText, UserError } from "../util/errors.ts";

export interface NgrokErrorContext {
  readonly authtoken: Secret;
  readonly domain: string | undefined;
  readonly serverAddr: string;
}

const TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken";
const ALTERNATIVES = "or use --public-url URL or --tunnel none";

type KnownError = readonly [
  codes: readonly number[],
  exit: "credentials" | "connectionLost",
  message: string | ((context: NgrokErrorContext) => string),
  hint: string,
];

/** https://ngrok.com/docs/errors/reference */
const KNOWN_ERRORS: readonly KnownError[] = [
  [[102, 103], "credentials", "ngrok rejects this account", `see https://dashboard.ngrok.com, ${ALTERNATIVES}`],
  [
    [105, 106, 107],
    "credentials",
    ({ authtoken }) => `ngrok does not accept the authtoken from ${authtoken.origin}`,
    `copy it again from ${TOKEN_PAGE}; it may have been reset, or be an API key instead of an authtoken`,
  ],
  [
    [108],
    "connectionLost",
    "the ngrok account already runs as many agents at once as its plan allows",
    `stop another one (https://dashboard.ngrok.com/agents lists them), ${ALTERNATIVES}`,
  ],
  [
    [115, 116, 9040],
    "connectionLost",
    "ngrok does not accept agents from this IP address",
    `use another network, or see the IP rules at https://dashboard.ngrok.com, ${ALTERNATIVES}`,
  ],
  [
    [120, 121],
    "connectionLost",
    "ngrok no longer serves this version of its agent",
    `update zoho-hooks, ${ALTERNATIVES}`,
  ],
  [
    [313, 314, 319, 320],
    "credentials",
    ({ domain, authtoken }) =>
      `the ngrok account of the authtoken from ${authtoken.origin} may not use ${domainText(domain)}`,
    "reserve it at https://dashboard.ngrok.com/domains, use the account that owns it, or leave --domain out",
  ],
  [
    [324],
    "connectionLost",
    "the ngrok account already has as many endpoints as its plan allows",
    `stop another one (https://dashboard.ngrok.com/endpoints lists them), ${ALTERNATIVES}`,
  ],
  [
    [334],
    "connectionLost",
    ({ domain }) => `another agent is already serving ${domainText(domain)}`,
    "stop it (https://dashboard.ngrok.com/endpoints shows where it runs), or choose another name with --domain",
  ],
  [
    [4018],
    "credentials",
    ({ authtoken }) =>
      `ngrok requires a verified account, and the account of the authtoken from ${authtoken.origin} is not verified`,
    `verify the account at https://dashboard.ngrok.com, and copy the token from ${TOKEN_PAGE}`,
  ],
];

/** Turns an error of the agent into one that says what to do. Removes the token, which the service repeats in its messages. */
export function mapNgrokError(error: unknown, context: NgrokErrorContext): UserError {
  if (error instanceof UserError) return error;
  const raw = errorText(error);
  const code = /ERR_NGROK_\d+/.exec(raw)?.[0];
  const text = cleanText(raw, context.authtoken);
  if (code !== undefined) {
    const [, exit, message, hint] = KNOWN_ERRORS.find(([codes]) => codes.includes(Number(code.slice(10)))) ?? [
      [],
      "connectionLost",
      `ngrok rejected the tunnel: ${text}`,
      `https://ngrok.com/docs/errors/${code.toLowerCase()} explains the code, ${ALTERNATIVES}`,
    ];
    return new UserError(exit, `${typeof message === "string" ? message : message(context)} (${code})`, hint, code);
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
