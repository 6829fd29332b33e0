import { type Credential, type Secret, type Secrets, secret } from "../body/secret.ts";
import type { AuthPlace, FormatSettings } from "../core/format-settings.ts";
import type { Product, Proof } from "../core/product.ts";
import { readKeySet } from "../core/proofs/keys.ts";
import { readPrivateKey, readPublicKeys } from "../core/proofs/rsa-signature.ts";

/** One secret, or several of which any will do while one replaces the other. */
export type Key = string | readonly string[];

/** What deliveries are proven with. One that is named must have a value. */
export interface Keys {
  /** Makes and checks signatures: the guide's, the finance products', Payments, Sign (`ZOHO_WEBHOOK_SECRET`). */
  readonly secret?: Key | undefined;
  /** The one in the body: the guide's CRM and Recruit, notifications of CRM, Bigin, Recruit (`ZOHO_WEBHOOK_TOKEN`). */
  readonly token?: Key | undefined;
  /** Checks what SalesIQ and Cliq sign: PEM, or the bare base64 that their screens show. */
  readonly publicKey?: Key | undefined;
  /** Signs in their place, or in Desk's, with a key of your own: PEM. */
  readonly privateKey?: string | undefined;
  /** Checks Desk's tokens: the key set (JWKS), as text or parsed. It is not fetched: hand over what lies at the address. */
  readonly jwks?: string | { readonly keys: readonly object[] } | undefined;
  /** Mail's, from its first call. */
  readonly hookSecret?: Key | undefined;
  /** The fixed value that a webhook of the user's own design carries, and where. */
  readonly auth?: (AuthPlace & { readonly value: Key }) | undefined;
  /** Who a Desk token must have been made for, `webhookId:…`: this or `issuer` goes with `jwks`. */
  readonly audience?: string | undefined;
  /** Who must have made a Desk token, `orgId:…`: this or `audience` goes with `jwks`. */
  readonly issuer?: string | undefined;
}

/** What the keys say: secrets for proofs, and settings for the formats that take them. */
export interface GivenKeys {
  readonly secrets: Secrets;
  readonly settings: FormatSettings;
}

const CREDENTIALS: readonly Credential[] = [
  ...(["secret", "token", "publicKey", "privateKey", "jwks", "hookSecret", "auth"] as const),
];
const SETTINGS = ["audience", "issuer"] as const;
/** As they are written. */
const EXAMPLES: Partial<Record<keyof FormatSettings, string>> = { audience: "webhookId:…", issuer: "orgId:…" };

/**
 * Throws a TypeError for a key of an unknown name, an empty one, one that is none of its kind, or one that
 * is named and undefined: a missing environment variable must not switch a check off.
 */
export function readKeys(keys: Keys | undefined): GivenKeys {
  if (typeof (keys ?? {}) !== "object") throw new TypeError("the keys are not an object: pass { secret } or { token }");
  const given = new Map<Credential, readonly Secret[]>();
  const settings: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(keys ?? {})) {
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

function secretsOf(name: string, key: unknown): readonly Secret[] {
  const isSet = name === "jwks" && typeof key === "object" && key !== null;
  const value: unknown = name === "auth" && isRecord(key) ? key.value : isSet ? JSON.stringify(key) : key;
  const secrets = textsOf(name, value).map((text) => secret(text, `the ${name}`));
  for (const each of secrets) requireKind(name, each);
  return secrets;
}

/** A key that cannot be read would fail every delivery. */
function requireKind(name: string, key: Secret): void {
  try {
    if (name === "publicKey") readPublicKeys(key);
    if (name === "privateKey") readPrivateKey(key);
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : String(error));
  }
  if (name === "jwks" && readKeySet(key.reveal()) === undefined)
    throw new TypeError('the jwks is not a key set: pass what you get from its address, { "keys": [ … ] }');
}

function textsOf(name: string, key: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(key) ? key : [key];
  const texts = values.filter((value) => typeof value === "string" && value.trim() !== "").map(String);
  if (texts.length > 0 && texts.length === values.length) return texts;
  throw new TypeError(
    `the ${name} is ${key === undefined ? "undefined" : "empty or no text"}: check that its environment variable is set`,
  );
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Who makes up its own secret has handed none over yet: its first call is read, and nothing else passes. */
function isBeforeFirstCall([named, ...others]: readonly Pick<Product, "formats">[]): boolean {
  return others.length === 0 && named?.formats.some((format) => format.offeredSecret !== undefined) === true;
}

/** A proof that any customer of Zoho's can give is none until it is said whose it must be. */
function requireBound({ credential, title, unboundWithout = [] }: Proof): void {
  if (unboundWithout.length === 0) return;
  const wanted = unboundWithout.map((name) => `{ ${name}: "${EXAMPLES[name]}" }`).join(" or ");
  throw new TypeError(
    `with the ${credential} alone, a request of any other Zoho customer would pass (${title}): pass ${wanted} as well`,
  );
}

type Use = "sign" | "verify";

/** Throws a TypeError when there is no key, or none that fits any proof of the products: what is meant as a check would be none. */
export function requireUse(secrets: Secrets, candidates: readonly Pick<Product, "id" | "formats">[], use: Use): void {
  if (secrets.all().length === 0) {
    if (use === "verify" && isBeforeFirstCall(candidates)) return;
    throw new TypeError("no secret and no token was given, so nothing can be checked: pass { secret } or { token }");
  }
  const proofs = candidates.flatMap((product) => product.formats.flatMap((format) => format.proofs));
  const needed = (proof: Proof): Credential =>
    use === "verify" ? proof.credential : (proof.signingCredential ?? proof.credential);
  const used = proofs.filter((proof) => secrets.for(needed(proof), "").length > 0);
  if (use === "verify") used.forEach(requireBound);
  if (used.length > 0) return;
  const isOpen = candidates.some(({ formats }) => formats.some((format) => format.settings?.includes("auth")));
  const names = [...new Set([...proofs.map(needed), ...(isOpen ? ["auth"] : [])])].join(" or ");
  throw new TypeError(
    `none of the keys proves a delivery of ${candidates.map(({ id }) => id).join(", ")}: ${names === "" ? "nothing does" : `it takes { ${names} }`}`,
  );
}
