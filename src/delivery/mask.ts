import { oneLine } from "../util/text.ts";
import { type Delivery, type HeaderPair, headerValue } from "./delivery.ts";
import { rewriteBody } from "./rewrite-body.ts";
import { type BodyEdit, rewriteForm, rewriteText } from "./rewrite-text.ts";
import { MASK } from "./secrets.ts";

export { MASK };

/**
 * Names of headers, fields and parameters whose value lets someone in or proves a sender: `token` in CRM bodies,
 * `x-zoho-signature`, `x-zs-webhook-signature`, `x-hook-secret`, `x-zdesk-jwt`, `zapikey`, `auth_key`, `clientSecret`.
 */
const SECRET_NAME =
  /(token|secret|signature|password|passwd|passphrase|authorization|cookie|zapikey|jwt|hmac|security_context|(api|private|secret|signing)[-_]?key)$|(^|[-_.])(auth|access|app|hook|webhook|shared)[-_]?key$|(^|[-_.])(auth|sign|sig|pwd|credentials?)$/i;

const SCHEME = /^(bearer|basic|digest|token|zoho-oauthtoken|zoho-authtoken)\s+\S/i;

/** Proxies pass the signed-in user on in `Cf-Access-Jwt-Assertion`, `X-Amzn-Oidc-Data` and the like. */
const SECRET_HEADER = /jwt|token|assertion|oidc-data/i;

/** Bodies of one kind have the same names. Bounded, since anybody can post others. */
const testedNames = new Map<string, boolean>();
const MAX_TESTED_NAMES = 1000;
const MAX_TESTED_LENGTH = 100;

export function isSecretName(name: string): boolean {
  const tested = testedNames.get(name);
  if (tested !== undefined) return tested;
  const isSecret = testName(name);
  if (testedNames.size < MAX_TESTED_NAMES && name.length <= MAX_TESTED_LENGTH) testedNames.set(name, isSecret);
  return isSecret;
}

function testName(name: string): boolean {
  // `payload[token]`, `token[0]`: nested names in forms of PHP and Ruby.
  if (name.includes("[")) return name.split(/[[\]]+/).some((part) => part !== "" && testName(part));
  return SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, "$1_$2"));
}

/** Names that the user gave to headers and parameters with a secret, such as `x-hook-key`, which does not show it. */
export function secretFieldNames(verdicts: readonly { readonly secretIn?: string }[]): readonly string[] {
  // Nearly always; called for each delivery.
  if (verdicts.every(({ secretIn }) => secretIn === undefined)) return [];
  return verdicts.flatMap(({ secretIn }) => (secretIn === undefined ? [] : [secretIn]));
}

/** The delivery with the secrets in its URL, headers and body masked. */
export function maskDelivery(delivery: Delivery, secretFields: readonly string[] = []): Delivery {
  let body: Buffer | undefined;
  return {
    method: delivery.method,
    url: maskUrl(delivery.url, secretFields),
    headers: maskHeaders(delivery.headers, secretFields),
    // Lazy: a list does not show it, and to mask megabytes takes seconds.
    get body() {
      body ??= maskBody(delivery.body, headerValue(delivery, "content-type") ?? "", secretFields);
      return body;
    },
  };
}

export function maskHeaders(
  headers: readonly HeaderPair[],
  secretFields: readonly string[] = [],
): readonly HeaderPair[] {
  const isSecret = isSecretIn(secretFields);
  return headers.map(([name, value]) => {
    const scheme = SCHEME.exec(value)?.[1];
    if (scheme !== undefined) return [name, `${scheme} ${MASK}`];
    if (value !== "" && (isSecret(name) || SECRET_HEADER.test(name))) return [name, MASK];
    return [name, maskUrlsIn(value, secretFields)];
  });
}

/** `X-Original-URI`, `Referer`, `Link`: a URL with credentials in it. */
function maskUrlsIn(value: string, secretFields: readonly string[]): string {
  // A quick exit for the headers of every event.
  const mayHoldSecret = value.includes("=") || value.includes("@");
  if (!mayHoldSecret || !(value.includes("://") || value.includes("?"))) return value;
  return /[\s<>,;]/.test(value) ? rewriteText(value, "", maskValue(secretFields)) : maskUrl(value, secretFields);
}

export function maskUrl(url: string, secretFields: readonly string[] = []): string {
  return maskQuery(url, maskValue(secretFields));
}

/**
 * A setting that is a URL as a part of a question or report: with the host that is connected to, in ASCII, since another one
 * may look like it.
 */
export function maskSetting(text: string): string {
  const url = text.trim();
  const isUrl = /^(?:https?:|[a-z][a-z0-9+.-]*:\/\/)/i.test(url) && URL.canParse(url);
  return oneLine(maskUrl(isUrl ? new URL(url).href : url));
}

/** Masks a route. Its two parts are masked and shortened separately, so that the pattern cannot hide the target. */
export function maskRoute(text: string): string {
  const [pattern = "", target] = text.split(/=(.*)/s, 2);
  return target === undefined ? maskSetting(text) : `${oneLine(pattern)}=${maskSetting(target)}`;
}

/** Masks the secrets of URLs within a message. Punctuation after a URL is not a part of it. */
export function maskUrls(text: string): string {
  return text.replace(MESSAGE_URLS, (match) => {
    const [url = ""] = /^.*[^:;,.)]/s.exec(match) ?? [];
    return maskUrl(url) + match.slice(url.length);
  });
}

function maskQuery(url: string, edit: BodyEdit): string {
  // A backslash ends the host as a slash does: what follows it is no host, and what precedes it no password.
  const open = maskServerAddress(url).replace(/^([a-z][a-z0-9+.-]*:\/\/?)[^/?#\\]*@/i, `$1${MASK}@`);
  const at = open.indexOf("?") + 1;
  if (at === 0) return open;
  return open.slice(0, at) + readableMask(rewriteForm(open.slice(at), edit));
}

/**
 * In the address of a server a password may have any character: what looks like a part of one is hidden. The host is that of
 * the URL, which is connected to; where it is no URL, what follows the last @.
 */
function maskServerAddress(url: string): string {
  if (!/^(?:postgres|postgresql|bullmqs?):\/\//i.test(url)) return url;
  const maskParameters = (text: string): string => text.replace(/([?&]\w*password=)[^&#]*/gi, `$1${MASK}`);
  if (!URL.canParse(url)) return maskParameters(url).replace(/^(\w+:\/\/).*@/s, `$1${MASK}@`);
  return url.replace(/^(\w+:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/s, (_, scheme, user, host, end: string) => {
    const rest = maskParameters(end);
    return scheme + (user === undefined ? "" : `${MASK}@`) + host + (rest.includes("@") ? rest[0] + MASK : rest);
  });
}

function readableMask(text: string): string {
  return text.replaceAll(encodeURIComponent(MASK), MASK);
}

/** The message for a webhook whose URL is not the requested one, without the secrets of either. */
export function differentUrl(actual: string | undefined, requested: string): string {
  const [to, wanted] = [actual === undefined ? "an unknown URL" : oneLine(maskUrl(actual)), maskUrl(requested)];
  return to === wanted
    ? `Zoho posts to ${to}, but with a different secret in the URL than requested`
    : `Zoho posts to ${to}, not to ${wanted}`;
}

export function maskBody(body: Buffer, contentType: string, secretFields: readonly string[] = []): Buffer {
  return rewriteBody(body, contentType, maskValue(secretFields));
}

/** Tells whether a name is secret: by itself, or as one of `secretFields`. */
export function isSecretIn(secretFields: readonly string[]): (name: string) => boolean {
  if (secretFields.length === 0) return isSecretName;
  const others = new Set(secretFields.map((name) => name.toLowerCase()));
  return (name) => others.has(name.toLowerCase()) || isSecretName(name);
}

/** Masks what looks like a secret in a text that may be cut off, such as the start of an app's response. */
export function maskText(text: string, secretFields: readonly string[] = []): string {
  // Most responses are one word, without names.
  if (!/[:=<]/.test(text)) return text;
  const isForm = /^[^\s=&<>{}[\]"]+=[^\s"]*$/.test(text);
  const type = isForm ? "application/x-www-form-urlencoded" : "";
  return readableMask(rewriteText(text, type, maskValue(secretFields)));
}

/** Masks everything below a secret name, though not names, and credentials in URLs and forms within other values. */
function maskValue(secretFields: readonly string[]): BodyEdit {
  const isSecret = isSecretIn(secretFields);
  const named: BodyEdit = ({ path, text, kind }) =>
    kind !== "key" && text !== "" && path.some(isSecret) ? MASK : undefined;
  return maskingWithin(named, MAX_DEPTH);
}

/** A URL may be in the query of another one, and so on. */
const MAX_DEPTH = 2;
const URL_ONLY = /^[a-z][a-z0-9+.-]{0,20}:\/\/\S*$/i;
const URLS = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi;
/** A URL that was taken for a path has one slash left. */
const MESSAGE_URLS = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}:\/\/?[^\s"'<>]+/gi;
const FORM = /^[^\s=&;<>{}[\]"]{1,200}(?:\[[^\s=&;<>"]{1,200})?=[^\s"]/;

function maskingWithin(named: BodyEdit, depth: number): BodyEdit {
  return (value) => {
    const { text, kind } = value;
    const masked = named(value) ?? (kind === "text" && depth > 0 ? maskWithin(text, named, depth - 1) : undefined);
    return masked === text ? undefined : masked;
  };
}

function maskWithin(text: string, named: BodyEdit, depth: number): string | undefined {
  // A quick exit for nearly all values.
  if (!text.includes("=") && !text.includes("://")) return undefined;
  if (URL_ONLY.test(text)) return maskQuery(text, maskingWithin(named, depth));
  if (FORM.test(text) && !/\s/.test(text)) return readableMask(rewriteForm(text, maskingWithin(named, depth)));
  if (!text.includes("://")) return undefined;
  return text.replace(URLS, (url) => maskQuery(url, maskingWithin(named, depth)));
}
