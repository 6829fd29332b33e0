import { type Delivery, type HeaderPair, headerValue } from "./delivery.ts";
import { type BodyValue, rewriteBody, rewriteForm } from "./rewrite-body.ts";

/** Stands where a secret was. */
export const MASK = "[masked]";

/**
 * Names of headers, fields and parameters whose value lets someone in or proves a sender: `token` in CRM bodies,
 * `x-zoho-signature`, `x-zs-webhook-signature`, `x-hook-secret`, `x-zdesk-jwt`, `zapikey`, `access_token`, `clientSecret`.
 */
const SECRET_NAME =
  /(token|secret|signature|password|passwd|authorization|cookie|api[-_]?key|zapikey|jwt|hmac|(private|secret|signing)[-_]?key)$|(^|[-_.])(auth|sign|sig|pwd|credentials?)$/i;

const SCHEME = /^(bearer|basic|digest|token|zoho-oauthtoken|zoho-authtoken)\s+\S/i;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, "$1_$2"));
}

/** A delivery to be looked at: secrets in its URL, headers and body are masked, all else is as it was. */
export function maskDelivery(delivery: Delivery): Delivery {
  return {
    method: delivery.method,
    url: maskUrl(delivery.url),
    headers: maskHeaders(delivery.headers),
    body: maskBody(delivery.body, headerValue(delivery, "content-type") ?? ""),
  };
}

export function maskHeaders(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  return headers.map(([name, value]) => {
    const scheme = SCHEME.exec(value)?.[1];
    if (scheme !== undefined) return [name, `${scheme} ${MASK}`];
    return isSecretName(name) && value !== "" ? [name, MASK] : [name, value];
  });
}

export function maskUrl(url: string): string {
  const open = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, `$1${MASK}@`);
  const at = open.indexOf("?") + 1;
  if (at === 0) return open;
  return open.slice(0, at) + rewriteForm(open.slice(at), maskValue).replaceAll(encodeURIComponent(MASK), MASK);
}

export function maskBody(body: Buffer, contentType: string): Buffer {
  return rewriteBody(body, contentType, maskValue);
}

/** A text of which only the start may be known, such as an app's answer: what looks like a secret in it is masked. */
export function maskText(text: string): string {
  const isForm = /^[^\s=&<>{}[\]"]+=[^\s"]*$/.test(text);
  return maskBody(Buffer.from(text), isForm ? "application/x-www-form-urlencoded" : "").toString();
}

/** What lies below a secret name is secret too; names themselves are not. */
function maskValue({ path, text, kind }: BodyValue): string | undefined {
  return kind !== "key" && text !== "" && path.some(isSecretName) ? MASK : undefined;
}
