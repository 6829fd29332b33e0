import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Product } from "../contract/product.ts";
import { maskSetting } from "../delivery/mask.ts";
import { type Secret, type Secrets, secret } from "../delivery/secret.ts";
import { readKeySet } from "../proofs/keys.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { readRegularFile, writeFileAtomically } from "../util/files.ts";
import { isSafeWithoutTls } from "../util/hosts.ts";
import { withTimeout } from "../util/timing.ts";
import { connectionPool, readText } from "./http.ts";

export interface KeySetOptions {
  readonly products: readonly Product[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fetched sets are cached here for the next run. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  now(): Date;
  warn(message: string): void;
  notify?(message: string): void;
}

export interface KeySets {
  /** The secrets, with the text of a set in place of its URL. Read them for each delivery: a set may have changed. */
  readonly secrets: Secrets;
  /**
   * Fetches a product's sets again, for a delivery that is signed with an unknown key. Resolves to whether there are
   * other keys now; at once if a set was fetched less than a minute ago, so that made-up key ids cause no more requests.
   */
  renew(product: string): Promise<boolean>;
}

interface CachedSet {
  /** When it was fetched, in epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

interface RemoteSet {
  readonly url: string;
  readonly products: Set<string>;
  text: string;
  requestedAt: number;
  renewal: Promise<boolean> | undefined;
}

/** Keys change rarely, and old ones usually stay for a while. */
const FRESH_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
/** The delivery waits for it, and Desk waits five seconds for the answer. */
const RENEW_TIMEOUT_MS = 3_000;
const MIN_RENEW_INTERVAL_MS = 60_000;
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Replaces each key set that is given as a URL, or as a data centre that the product has a URL for, by what is fetched
 * from there. Throws `UserError` (6) if that fails and nothing is cached.
 */
export async function openKeySets(secrets: Secrets, options: KeySetOptions): Promise<KeySets> {
  const sets = new Map<string, RemoteSet>();
  for (const product of options.products) {
    if (!product.formats.some((format) => format.proofs.some(({ credential }) => credential === "jwks"))) continue;
    for (const given of secrets.for("jwks", product.id)) {
      const key = given.reveal();
      const url = urlOf(given, product);
      if (url === undefined && readKeySet(key) === undefined) throw noKeySet(given, product);
      if (url === undefined) continue;
      const known = sets.get(key);
      known?.products.add(product.id);
      if (known !== undefined) continue;
      const { text, at } = await obtain(url, options);
      sets.set(key, { url, products: new Set([product.id]), text, requestedAt: at, renewal: undefined });
    }
  }
  const resolve = (given: Secret): Secret => {
    const set = sets.get(given.reveal());
    return set === undefined ? given : secret(set.text, `${given.origin} (${set.url})`);
  };
  return {
    secrets: {
      for(credential, product) {
        const found = secrets.for(credential, product);
        return credential === "jwks" ? found.map(resolve) : found;
      },
      all: () => secrets.all(),
    },
    async renew(product) {
      const concerned = [...sets.values()].filter(({ products }) => products.has(product));
      return (await Promise.all(concerned.map((set) => renewSet(set, options)))).includes(true);
    },
  };
}

/** The URL that a value for public keys names; undefined for a key set, a file and a data centre. */
function urlIn(given: Secret): URL | undefined {
  const value = given.reveal().trim();
  return URL.canParse(value) ? new URL(value) : undefined;
}

function urlOf(given: Secret, { formats }: Product): string | undefined {
  const centre = given.reveal().trim().toLowerCase();
  for (const { keySets = {} } of formats) if (Object.hasOwn(keySets, centre)) return keySets[centre];
  const url = urlIn(given);
  if (url === undefined) return undefined;
  const { protocol, hostname, href } = url;
  if (protocol === "https:" || (protocol === "http:" && isSafeWithoutTls(hostname))) return href;
  if (protocol !== "http:") return undefined;
  throw usageError(
    `${given.origin}: public keys fetched over plain http can be forged`,
    "give an https:// URL, or a file",
  );
}

function noKeySet({ origin }: Secret, { formats }: Product): Error {
  const centres = formats.flatMap((format) => Object.keys(format.keySets ?? {}));
  return usageError(
    `${origin} is not a key set (JWKS)`,
    `give a file, an https:// URL${centres.length === 0 ? "" : ` or a data centre: ${centres.join(", ")}`}`,
  );
}

/** From the cache while it is fresh; a stale one, with a warning, if the URL does not answer. */
async function obtain(url: string, options: KeySetOptions): Promise<CachedSet> {
  const at = options.now().getTime();
  const cached = readCache(options.cacheFolder, url);
  if (cached !== undefined && Math.abs(at - cached.at) < FRESH_MS) return cached;
  try {
    const text = await fetchUsable(url, options, TIMEOUT_MS);
    writeCache(url, { at, text }, options);
    return { at, text };
  } catch (error) {
    const failure = `the public keys could not be fetched from ${maskSetting(url)}`;
    if (cached === undefined) {
      const hint = "save the key set to a file, and name that file in ZOHO_WEBHOOK_JWKS";
      throw new UserError("credentials", `${failure}: ${errorText(error)}`, hint);
    }
    options.warn(`${failure} (${errorText(error)}): using the cached ones`);
    return cached;
  }
}

/** One request at a time, shared by all who wait for it. */
function renewSet(set: RemoteSet, options: KeySetOptions): Promise<boolean> {
  if (set.renewal !== undefined) return set.renewal;
  const at = options.now().getTime();
  if (Math.abs(at - set.requestedAt) < MIN_RENEW_INTERVAL_MS) return Promise.resolve(false);
  set.requestedAt = at;
  set.renewal = fetchAgain(set, at, options).finally(() => {
    set.renewal = undefined;
  });
  return set.renewal;
}

async function fetchAgain(set: RemoteSet, at: number, options: KeySetOptions): Promise<boolean> {
  const { url } = set;
  try {
    const text = await fetchUsable(url, options, RENEW_TIMEOUT_MS);
    writeCache(url, { at, text }, options);
    if (text === set.text) return false;
    set.text = text;
  } catch (error) {
    const failure = `a delivery names an unknown key, and the keys could not be fetched again from ${maskSetting(url)}`;
    options.warn(`${failure}: ${errorText(error)}`);
    return false;
  }
  options.notify?.(`the public keys of ${url} have changed: the new ones are now in use`);
  return true;
}

async function fetchUsable(url: string, { env, signal }: KeySetOptions, timeoutMs: number): Promise<string> {
  const text = await fetchKeySet(url, env, signal, timeoutMs);
  if ((readKeySet(text) ?? []).length > 0) return text;
  throw new Error("it has no RSA keys that verify signatures");
}

/** Follows no redirect. Throws an `Error` that says what came instead of a key set. */
async function fetchKeySet(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<string> {
  const pool = await connectionPool(env, timeoutMs);
  const { origin, pathname, search } = new URL(url);
  const headers = { accept: "application/json" };
  try {
    return await withTimeout(timeoutMs, [signal], async (limited) => {
      const path = `${pathname}${search}`;
      const { body, statusCode } = await pool.request({ origin, path, method: "GET", headers, signal: limited });
      const text = await readText(body, MAX_BODY_BYTES);
      if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
      return text;
    });
  } catch (error) {
    throw new Error(signal.aborted ? "it was interrupted" : errorText(error), { cause: error });
  } finally {
    await pool.destroy();
  }
}

/** Undefined if there is none, or a damaged one. */
function readCache(folder: string, url: string): CachedSet | undefined {
  try {
    const { at, text } = JSON.parse(readRegularFile(cacheFile(folder, url)).toString("utf8"));
    return typeof at === "number" && typeof text === "string" && readKeySet(text) !== undefined
      ? { at, text }
      : undefined;
  } catch {
    return undefined;
  }
}

function writeCache(url: string, set: CachedSet, { cacheFolder, warn }: KeySetOptions): void {
  try {
    writeFileAtomically(cacheFile(cacheFolder, url), JSON.stringify(set));
  } catch (error) {
    warn(`the public keys of ${url} could not be cached: ${errorText(error)}`);
  }
}

function cacheFile(folder: string, url: string): string {
  return join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 16)}.json`);
}
