import { readPrivateKey, readPublicKeys } from "../delivery/rsa-keys.ts";
import { type Credential, isBlank, type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import type { AuthPlace, FormatSettings } from "../model/format-settings.ts";
import { type Format, GUIDE_FORMAT, type Product, type Proof } from "../model/product.ts";
import { handsOverSecret } from "../recognition/handshake.ts";
import { acceptsUnsigned } from "../recognition/unsigned.ts";
import { readKeySet } from "../signatures/keys.ts";
import { isRecord } from "../util/json.ts";

/** One secret, or several that are all accepted while one replaces the other. */
export type Key = string | readonly string[];

/** The keys that deliveries are verified or signed with. A member that is present must have a value. */
export interface Keys {
  /** For the signatures of the guide, the finance products, Payments, Sign, ZeptoMail and Webinar (`ZOHO_WEBHOOK_SECRET`). */
  readonly secret?: Key | undefined;
  /** In the body: the guide's CRM and Recruit, notifications of CRM, Bigin and Recruit (`ZOHO_WEBHOOK_TOKEN`). */
  readonly token?: Key | undefined;
  /** For the signatures of SalesIQ and Cliq: PEM, or the bare base64 that their screens show. */
  readonly publicKey?: Key | undefined;
  /** A private key of your own to sign with instead of SalesIQ, Cliq or Desk: PEM. */
  readonly privateKey?: string | undefined;
  /** For Desk's tokens: the key set (JWKS), as text or parsed. It is not fetched: pass the content of its URL. */
  readonly jwks?: string | { readonly keys: readonly object[] } | undefined;
  /** The secret that Mail sends with its first call. */
  readonly hookSecret?: Key | undefined;
  /** The fixed value of a user-defined webhook, and where it is. */
  readonly auth?: (AuthPlace & { readonly value: Key }) | undefined;
  /** The required audience of a Desk token, `webhookId:…`: this or `issuer` goes with `jwks`. */
  readonly audience?: string | undefined;
  /** The required issuer of a Desk token, `orgId:…`: this or `audience` goes with `jwks`. */
  readonly issuer?: string | undefined;
}

const CREDENTIALS: readonly Credential[] = ["secret", "token", "publicKey", "privateKey", "jwks", "hookSecret", "auth"];
const SETTINGS = ["audience", "issuer"] as const;
const EXAMPLES: Partial<Record<keyof FormatSettings, string>> = { audience: "webhookId:…", issuer: "orgId:…" };

interface GivenKeys {
  readonly secrets: Secrets;
  /** Settings for the formats that take them. */
  readonly settings: FormatSettings;
}

type Use = "sign" | "verify";
type Candidate = Pick<Product, "id" | "formats">;

/**
 * Throws an Error for keys without a value, which names what the product needs: a missing environment variable must not turn a
 * check off. Throws a TypeError for an unknown name and for an invalid key.
 */
export function readKeys(keys: Keys | undefined, use: Use, candidates: readonly Candidate[]): GivenKeys {
  if (typeof (keys ?? {}) !== "object") throw new TypeError("the keys are not an object: pass { secret } or { token }");
  const pairs = Object.entries(keys ?? {});
  const missing = pairs.filter(([name, key]) => isMissing(name === "auth" && isRecord(key) ? key.value : key));
  if (missing.length > 0) {
    const names = missing.map(([name]) => `\`${name}\``);
    const [have, it] =
      names.length === 1 ? ["has", "its environment variable"] : ["have", "their environment variables"];
    const reason = `${listed(names, "and")} ${have} no value: set ${it}, or leave out what you do not need`;
    throw new Error([reason, needs(candidates, use)].filter((part) => part !== "").join(". "));
  }
  const given = new Map<Credential, readonly Secret[]>();
  const settings: Record<string, unknown> = {};
  for (const [name, key] of pairs) {
    const credential = CREDENTIALS.find((each) => each === name);
    if (SETTINGS.some((each) => each === name)) settings[name] = textsOf(name, key)[0];
    else if (credential !== undefined) given.set(credential, secretsOf(name, key));
    else {
      const known = [...CREDENTIALS, ...SETTINGS].join(", ");
      throw new TypeError(`there is no key named ${JSON.stringify(name)}: there are ${known}`);
    }
    if (name === "auth") settings.auth = placeOf(key);
  }
  return {
    settings,
    secrets: { for: (credential) => given.get(credential) ?? [], all: () => [...given.values()].flat() },
  };
}

function isMissing(key: unknown): boolean {
  if (Array.isArray(key)) return key.length === 0 || key.some(isMissing);
  return key === undefined || key === null || (typeof key === "string" && isBlank(key));
}

function listed(names: readonly string[], word: "and" | "or"): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
}

function secretsOf(name: string, key: unknown): readonly Secret[] {
  const isSet = name === "jwks" && typeof key === "object" && key !== null;
  const value: unknown = name === "auth" && isRecord(key) ? key.value : isSet ? JSON.stringify(key) : key;
  const secrets = textsOf(name, value).map((text) => secret(text, `the ${name}`));
  for (const each of secrets) requireValid(name, each);
  return secrets;
}

/** A key that cannot be read would fail every delivery. */
function requireValid(name: string, key: Secret): void {
  try {
    if (name === "publicKey") readPublicKeys(key);
    if (name === "privateKey") readPrivateKey(key);
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : String(error));
  }
  if (name === "jwks" && readKeySet(key.reveal()) === undefined)
    throw new TypeError('the jwks is not a key set: pass the content of its URL, { "keys": [ … ] }');
}

function textsOf(name: string, key: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (values.every((value) => typeof value === "string")) return values;
  throw new TypeError(`the ${name} is not text`);
}

function placeOf(key: unknown): AuthPlace {
  const { header, parameter, basic } = isRecord(key) ? key : {};
  if ([header, parameter, basic].filter((each) => each !== undefined).length > 1)
    throw new TypeError("auth takes exactly one place for its value: header, parameter or basic");
  if (typeof header === "string") return { header };
  if (typeof parameter === "string") return { parameter };
  if (typeof basic === "string") return { basic };
  throw new TypeError("auth needs the place of its value: { header, value }, { parameter, value } or { basic, value }");
}

/** Throws when no key fits any proof of the products, so that a check cannot be left out by mistake. */
export function requireUsableKey(secrets: Secrets, candidates: readonly Candidate[], use: Use): void {
  const isEmpty = secrets.all().length === 0;
  if (isEmpty && use === "verify" && candidates.length === 1) {
    if (candidates.some((only) => isBeforeFirstCall(only) || acceptsUnsigned(only, secrets))) return;
  }
  const proofs = candidates.flatMap((product) => product.formats.flatMap((format) => format.proofs));
  const used = proofs.filter((proof) => secrets.for(neededFor(proof, use), "").length > 0);
  if (use === "verify") used.forEach(requireBound);
  if (used.length > 0) return;
  const reason = needs(candidates, use) || "no keys were given: pass { secret } or { token }";
  throw isEmpty ? new Error(reason) : new TypeError(`none of the keys applies: ${reason}`);
}

function neededFor(proof: Proof, use: Use): Credential {
  return use === "verify" ? proof.credential : (proof.signingCredential ?? proof.credential);
}

/** ``crm needs `token`; `secret` is needed only for the guide's format``. Empty for several products. */
function needs(candidates: readonly Candidate[], use: Use): string {
  const [product, ...others] = candidates;
  if (product === undefined || others.length > 0) return "";
  const { id, formats } = product;
  const guide = keysOf(formats.filter(isGuide), use);
  const wire = keysOf(
    formats.filter((format) => !isGuide(format)),
    use,
  );
  const isOnlyGuide = formats.every(isGuide);
  const needed = isOnlyGuide ? guide : wire;
  const extra = guide.filter((key) => !needed.includes(key));
  return [
    needed.length === 0 ? neverSignedText(product, use) : `${id} needs ${listed(needed, "or")}`,
    ...(extra.length === 0 ? [] : [`${listed(extra, "and")} is needed only for the guide's format`]),
  ].join("; ");
}

function neverSignedText({ id, formats }: Candidate, use: Use): string {
  const isOpen = formats.some(({ setup }) => setup?.settings?.includes("auth"));
  const ways = [
    ...(use === "verify" ? ["{}"] : []),
    ...(isOpen ? ["`auth` for a fixed value that you have added"] : []),
  ];
  return `Zoho never signs ${id}${ways.length === 0 ? "" : `, so pass ${ways.join(", or ")}`}`;
}

function keysOf(formats: readonly Format[], use: Use): readonly string[] {
  const keys = formats
    .flatMap(({ proofs }) => proofs)
    .map((proof) => {
      const settings = use === "sign" ? [] : (proof.unboundWithout ?? []).map((name) => `\`${name}\``);
      return `\`${neededFor(proof, use)}\`${settings.length === 0 ? "" : ` with ${listed(settings, "or")}`}`;
    });
  return [...new Set(keys)];
}

function isGuide({ id }: Format): boolean {
  return id === GUIDE_FORMAT;
}

/** Whether the product offers its secret with a first call, before which there is no key. */
function isBeforeFirstCall({ formats }: Candidate): boolean {
  return formats.some(handsOverSecret);
}

/** Throws where any customer of Zoho could make the proof, unless audience or issuer is given. */
function requireBound({ credential, title, unboundWithout = [] }: Proof): void {
  if (unboundWithout.length === 0) return;
  const wanted = unboundWithout.map((name) => `{ ${name}: "${EXAMPLES[name]}" }`).join(" or ");
  throw new TypeError(
    `with the ${credential} alone, a request of any other Zoho customer would pass (${title}): pass ${wanted} as well`,
  );
}
