import { parseRoute } from "../contract/event-names.ts";
import { MAX_IN_FLIGHT_BYTES } from "../delivery/delivery.ts";
import { checkTarget } from "../delivery/target-url.ts";
import { usageError } from "../util/errors.ts";
import { parseDuration, parseInteger, parseSize, parseTimeout } from "../util/units.ts";
import { type Settings, tunnelNames } from "./settings.ts";

/** Checks of list entries, made where they are read, so that an error says where they came from. They throw usage errors. */
export const checks = { forwardTo: checkTarget, routes: parseRoute } as const;

export function checkEach(
  check: (text: string, name: string) => unknown,
  texts: readonly string[],
  name: string,
): readonly string[] {
  for (const text of texts) check(text, name);
  return texts;
}

type Reader<K extends keyof Settings> = (text: string, name: string) => Settings[K];

/** How settings are read from the text of a flag or an environment variable, whose name goes into errors. */
export const readers: { readonly [K in keyof Settings]?: Reader<K> } = {
  port: (text, name) => parseInteger(text, name, 0, 65_535),
  host,
  maxBody,
  schema: oneOf("warn", "enforce", "off"),
  onInvalid: oneOf("reject", "warn"),
  tolerance: parseDuration,
  events: list,
  allowIp: list,
  allowZohoIps: trueOrFalse,
  allowUnsigned: list,
  forwardTo: (text, name) => checkEach(checks.forwardTo, list(text), name),
  routes: (text, name) => checkEach(checks.routes, list(text), name),
  respond: oneOf("ack", "mirror"),
  retries: (text, name) => parseInteger(text, name, 0, 100),
  retryBase: parseTimeout,
  concurrency: (text, name) => parseInteger(text, name, 1, 1000),
  ordered: trueOrFalse,
  forwardTimeout: parseTimeout,
  insecure: trueOrFalse,
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

/** `ZOHO_HOOKS_MAX_BODY` for `maxBody`. */
export function environmentName(key: string): string {
  return `ZOHO_HOOKS_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function oneOf<const Choice extends string>(...choices: readonly Choice[]): (text: string, name: string) => Choice {
  return (text, name) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw usageError(`${name}: ${JSON.stringify(text)} is not one of ${choices.join(", ")}`);
    return found;
  };
}

/** Rejects an empty host, which Node takes for all addresses: a variable without a value must not open the port to the network. */
function host(text: string, name: string): string {
  if (text.trim() !== "" && !/[\p{Cc}\s]/u.test(text)) return text;
  throw usageError(
    `${name}: ${JSON.stringify(text)} is not an address to listen on`,
    "leave it out for 127.0.0.1, or use 0.0.0.0 for all addresses of this machine",
  );
}

function maxBody(text: string, name: string): number {
  const bytes = parseSize(text, name);
  if (bytes <= MAX_IN_FLIGHT_BYTES) return bytes;
  throw usageError(
    `${name}: ${JSON.stringify(text)} is too large`,
    "use 64mib at most: all bodies in flight together may have no more",
  );
}

function trueOrFalse(text: string, name: string): boolean {
  return oneOf("true", "false")(text, name) === "true";
}

function list(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** The keys below `tunnel` in a config file, by setting. */
export const TUNNEL_KEYS: Readonly<Record<string, string>> = {
  tunnel: "use",
  domain: "domain",
  publicUrl: "publicUrl",
  tunnelTimeout: "timeout",
  ngrokServerAddr: "serverAddr",
  ngrokRootCas: "rootCas",
};

/** The path of a setting in a config file: `["tunnel", "domain"]`. */
export function fileKeys(key: string): readonly string[] {
  const inTunnel = Object.hasOwn(TUNNEL_KEYS, key) ? TUNNEL_KEYS[key] : undefined;
  return inTunnel === undefined ? [key] : ["tunnel", inTunnel];
}

/** A setting by the name that it was set with: `--domain`, `ZOHO_HOOKS_DOMAIN (environment)`, `tunnel.domain in <file>`. */
export function settingName(key: string, origin: string): string {
  if (origin === "flag") return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  return origin.startsWith(environmentName(key)) ? origin : `${fileKeys(key).join(".")} in ${origin}`;
}
