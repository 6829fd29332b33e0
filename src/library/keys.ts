import { type Credential, type Secret, type Secrets, secret } from "../body/secret.ts";
import type { AuthPlace, FormatSettings } from "../core/format-settings.ts";
import type { Product, Proof } from "../core/product.ts";
import { readKeySet } from "../core/proofs/keys.ts";
import { readPrivateKey, readPublicKeys } from "../core/proofs/rsa-signature.ts";
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

/**
 * Throws a TypeError for a key with an unknown name, an empty or invalid one, or one that is present and undefined: a missing
 * environment variable must not turn a check off.
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
  const texts = values.filter((value) => typeof value === "string" && value.trim() !== "").map(String);
  if (texts.length > 0 && texts.length === values.length) return texts;
  throw new TypeError(
    `the ${name} is ${key === undefined ? "undefined" : "empty or not text"}: check that its environment variable is set`,
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

/** Throws a TypeError when no key fits any proof of the products, so that a check cannot be left out by mistake. */
export function requireUsableKey(
  secrets: Secrets,
  candidates: readonly Pick<Product, "id" | "formats">[],
  use: "sign" | "verify",
): void {
  if (secrets.all().length === 0) {
    if (use === "verify" && isBeforeFirstCall(candidates)) return;
    throw new TypeError("no keys were given, so nothing can be checked: pass { secret } or { token }");
  }
  const proofs = candidates.flatMap((product) => product.formats.flatMap((format) => format.proofs));
  const needed = (proof: Proof): Credential =>
    use === "verify" ? proof.credential : (proof.signingCredential ?? proof.credential);
  const used = proofs.filter((proof) => secrets.for(needed(proof), "").length > 0);
  if (use === "verify") used.forEach(requireBound);
  if (used.length > 0) return;
  const isOpen = candidates.some(({ formats }) => formats.some((format) => format.settings?.includes("auth")));
  const names = [...new Set([...proofs.map(needed), ...(isOpen ? ["auth"] : [])])].join(" or ");
  const hint = names === "" ? "its deliveries cannot be verified" : `pass { ${names} }`;
  throw new TypeError(`none of the keys applies to ${candidates.map(({ id }) => id).join(", ")}: ${hint}`);
}

/** Whether the only product offers its secret with a first call, before which there is no key. */
function isBeforeFirstCall([product, ...others]: readonly Pick<Product, "formats">[]): boolean {
  return others.length === 0 && product?.formats.some((format) => format.offeredSecret !== undefined) === true;
}

/** Throws where any customer of Zoho could make the proof, unless audience or issuer is given. */
function requireBound({ credential, title, unboundWithout = [] }: Proof): void {
  if (unboundWithout.length === 0) return;
  const wanted = unboundWithout.map((name) => `{ ${name}: "${EXAMPLES[name]}" }`).join(" or ");
  throw new TypeError(
    `with the ${credential} alone, a request of any other Zoho customer would pass (${title}): pass ${wanted} as well`,
  );
}
