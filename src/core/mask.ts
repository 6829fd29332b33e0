import { type Delivery, type HeaderPair, headerValue } from "../body/delivery.ts";
import { type BodyEdit, rewriteBody, rewriteForm } from "../body/rewrite-body.ts";
import { oneLine } from "../util/text.ts";
import type { Verdict } from "./product.ts";

/** Stands where a secret was. */
export const MASK = "[masked]";

/**
 * Names of headers, fields and parameters whose value lets someone in or proves a sender: `token` in CRM bodies,
 * `x-zoho-signature`, `x-zs-webhook-signature`, `x-hook-secret`, `x-zdesk-jwt`, `zapikey`, `auth_key`, `clientSecret`.
 */
const SECRET_NAME =
  /(token|secret|signature|password|passwd|passphrase|authorization|cookie|zapikey|jwt|hmac|(api|private|secret|signing)[-_]?key)$|(^|[-_.])(auth|access|app|hook|webhook|shared)[-_]?key$|(^|[-_.])(auth|sign|sig|pwd|credentials?)$/i;

const SCHEME = /^(bearer|basic|digest|token|zoho-oauthtoken|zoho-authtoken)\s+\S/i;

/** Proxies hand on who has signed in under names such as `Cf-Access-Jwt-Assertion` and `X-Amzn-Oidc-Data`. */
const SECRET_HEADER = /jwt|token|assertion|oidc-data/i;

export function isSecretName(name: string): boolean {
  // `payload[token]` and `token[0]`, as forms of PHP's and Ruby's kind name what lies within another.
  if (name.includes("[")) return name.split(/[[\]]+/).some((part) => part !== "" && isSecretName(part));
  return SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, "$1_$2"));
}

/** The names that a user has chosen for what lets a sender in: `x-hook-key` says nothing by itself. */
export function chosenNames(verdicts: readonly Pick<Verdict, "secretIn">[]): readonly string[] {
  return verdicts.flatMap(({ secretIn }) => (secretIn === undefined ? [] : [secretIn]));
}

/** A delivery to be looked at: secrets in its URL, headers and body are masked, all else is as it was. */
export function maskDelivery(delivery: Delivery, chosen: readonly string[] = []): Delivery {
  return {
    method: delivery.method,
    url: maskUrl(delivery.url, chosen),
    headers: maskHeaders(delivery.headers, chosen),
    body: maskBody(delivery.body, headerValue(delivery, "content-type") ?? "", chosen),
  };
}

export function maskHeaders(headers: readonly HeaderPair[], chosen: readonly string[] = []): readonly HeaderPair[] {
  const isSecret = secretNames(chosen);
  return headers.map(([name, value]) => {
    const scheme = SCHEME.exec(value)?.[1];
    if (scheme !== undefined) return [name, `${scheme} ${MASK}`];
    if (value !== "" && (isSecret(name) || SECRET_HEADER.test(name))) return [name, MASK];
    return [name, maskAddresses(value, chosen)];
  });
}

/** `X-Original-URI`, `Referer`, `Link`: the address that was called, with what it lets in by. */
function maskAddresses(value: string, chosen: readonly string[]): string {
  // Most headers are none, and those of each event are looked at.
  const mayLetIn = value.includes("=") || value.includes("@");
  if (!mayLetIn || !(value.includes("://") || value.includes("?"))) return value;
  return /[\s<>,;]/.test(value) ? maskBody(Buffer.from(value), "", chosen).toString() : maskUrl(value, chosen);
}

export function maskUrl(url: string, chosen: readonly string[] = []): string {
  return maskQuery(url, maskValue(chosen));
}

function maskQuery(url: string, edit: BodyEdit): string {
  const open = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, `$1${MASK}@`);
  const at = open.indexOf("?") + 1;
  if (at === 0) return open;
  return open.slice(0, at) + rewriteForm(open.slice(at), edit).replaceAll(encodeURIComponent(MASK), MASK);
}

/** Says that Zoho posts elsewhere than it was told to, and shows no secret of either address. */
export function differentUrl(actual: string | undefined, asked: string): string {
  const [to, wanted] = [actual === undefined ? "an unknown URL" : oneLine(maskUrl(actual)), maskUrl(asked)];
  return to === wanted
    ? `Zoho posts to ${to}, with another secret in it than was asked for`
    : `Zoho posts to ${to}, not to ${wanted}`;
}

export function maskBody(body: Buffer, contentType: string, chosen: readonly string[] = []): Buffer {
  return rewriteBody(body, contentType, maskValue(chosen));
}

function secretNames(chosen: readonly string[]): (name: string) => boolean {
  if (chosen.length === 0) return isSecretName;
  const others = new Set(chosen.map((name) => name.toLowerCase()));
  return (name) => others.has(name.toLowerCase()) || isSecretName(name);
}

/** A text of which only the start may be known, such as an app's answer: what looks like a secret in it is masked. */
export function maskText(text: string, chosen: readonly string[] = []): string {
  // Most answers of apps are a word, in which nothing has a name.
  if (!/[:=<]/.test(text)) return text;
  const isForm = /^[^\s=&<>{}[\]"]+=[^\s"]*$/.test(text);
  const masked = maskBody(Buffer.from(text), isForm ? "application/x-www-form-urlencoded" : "", chosen).toString();
  return masked.replaceAll(encodeURIComponent(MASK), MASK);
}

/** What lies below a secret name is secret too; names themselves are not. */
function maskNamed(chosen: readonly string[]): BodyEdit {
  const isSecret = secretNames(chosen);
  return ({ path, text, kind }) => (kind !== "key" && text !== "" && path.some(isSecret) ? MASK : undefined);
}

/** The same, and of an address or a form in a value what it lets in by. */
function maskValue(chosen: readonly string[]): BodyEdit {
  return maskingWithin(maskNamed(chosen), DEEPEST);
}

/** An address may be in the query of another one; to follow each into the next might go on for ever. */
const DEEPEST = 2;
const ADDRESS = /^[a-z][a-z0-9+.-]{0,20}:\/\/\S*$/i;
const ADDRESSES = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi;
const FORM = /^[^\s=&;<>{}[\]"]{1,200}(?:\[[^\s=&;<>"]{1,200})?=[^\s"]/;

function maskingWithin(named: BodyEdit, depth: number): BodyEdit {
  return (value) => {
    const { text, kind } = value;
    const masked = named(value) ?? (kind === "text" && depth > 0 ? maskWithin(text, named, depth - 1) : undefined);
    return masked === text ? undefined : masked;
  };
}

function maskWithin(text: string, named: BodyEdit, depth: number): string | undefined {
  if (ADDRESS.test(text)) return maskQuery(text, maskingWithin(named, depth));
  if (FORM.test(text) && !/\s/.test(text))
    return rewriteForm(text, maskingWithin(named, depth)).replaceAll(encodeURIComponent(MASK), MASK);
  if (!text.includes("://")) return undefined;
  return text.replace(ADDRESSES, (url) => maskQuery(url, maskingWithin(named, depth)));
}
