import { checkTarget } from "../body/target-url.ts";
import { parseRoute } from "../core/event-names.ts";
import { usageError } from "../util/errors.ts";
import { parseDuration, parseInteger, parseSize, parseTimeout } from "../util/units.ts";
import { type Settings, tunnelNames } from "./settings.ts";

/** What stands in a list is looked at where it is read, so that an error says where it came from. Each throws a UserError. */
export const checks = { forwardTo: checkTarget, routes: parseRoute } as const;

export function checkEach(
  check: (text: string, what: string) => unknown,
  texts: readonly string[],
  what: string,
): readonly string[] {
  for (const text of texts) check(text, what);
  return texts;
}

type Reader<K extends keyof Settings> = (text: string, what: string) => Settings[K];

/** How a setting is read from text: an environment variable's or a flag's. */
export const readers: { readonly [K in keyof Settings]?: Reader<K> } = {
  port: (text, what) => parseInteger(text, what, 0, 65_535),
  host,
  maxBody: parseSize,
  schema: oneOf("warn", "enforce", "off"),
  onInvalid: oneOf("reject", "warn"),
  tolerance: parseDuration,
  events: list,
  allowIp: list,
  allowZohoIps: yesOrNo,
  forwardTo: (text, what) => checkEach(checks.forwardTo, list(text), what),
  routes: (text, what) => checkEach(checks.routes, list(text), what),
  respond: oneOf("ack", "mirror"),
  retries: (text, what) => parseInteger(text, what, 0, 100),
  retryBase: parseTimeout,
  concurrency: (text, what) => parseInteger(text, what, 1, 1000),
  ordered: yesOrNo,
  forwardTimeout: parseTimeout,
  insecure: yesOrNo,
  store: (text) => (text === "false" ? false : text),
  keep: parseDuration,
  maxLog: parseSize,
  tunnel: oneOf(...tunnelNames),
  domain: (text) => text,
  publicUrl: (text) => text,
  tunnelTimeout: parseTimeout,
  ngrokServerAddr: (text) => text,
  ngrokRootCas: (text) => text,
};

/** `maxBody` is set by `ZOHO_HOOKS_MAX_BODY`. */
export function environmentName(key: string): string {
  return `ZOHO_HOOKS_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function oneOf<const Choice extends string>(...choices: readonly Choice[]): (text: string, what: string) => Choice {
  return (text, what) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw usageError(`${what}: ${JSON.stringify(text)} is not one of ${choices.join(", ")}`);
    return found;
  };
}

/** An empty one would be every address of this machine: a variable that is not set must not open the port to the network. */
function host(text: string, what: string): string {
  if (text.trim() !== "" && !/[\p{Cc}\s]/u.test(text)) return text;
  throw usageError(
    `${what}: ${JSON.stringify(text)} is not an address to listen on`,
    "leave it out for 127.0.0.1, or use 0.0.0.0 for all addresses of this machine",
  );
}

function yesOrNo(text: string, what: string): boolean {
  return oneOf("true", "false")(text, what) === "true";
}

function list(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** Settings that a config file has below `tunnel`, by what they are called in the environment. */
export const TUNNEL_KEYS: Readonly<Record<string, string>> = {
  tunnel: "use",
  domain: "domain",
  publicUrl: "publicUrl",
  tunnelTimeout: "timeout",
  ngrokServerAddr: "serverAddr",
  ngrokRootCas: "rootCas",
};

/** Where a config file has a setting: `["tunnel", "domain"]`. */
export function fileKeys(key: string): readonly string[] {
  const inTunnel = Object.hasOwn(TUNNEL_KEYS, key) ? TUNNEL_KEYS[key] : undefined;
  return inTunnel === undefined ? [key] : ["tunnel", inTunnel];
}

/** A setting in the words of whoever set it: `--domain`, `ZOHO_HOOKS_DOMAIN (environment)`, `tunnel.domain in <file>`. */
export function settingName(key: string, origin: string): string {
  if (origin === "flag") return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  return origin.startsWith(environmentName(key)) ? origin : `${fileKeys(key).join(".")} in ${origin}`;
}
