import { createHash } from "node:crypto";
import { join } from "node:path";
import { maskSetting } from "../delivery/mask.ts";
import { readPrivateKey } from "../delivery/rsa-keys.ts";
import { type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import type { Product, Proof } from "../model/product.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { readKeySet, writeKeySet } from "../signatures/keys.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { readRegularFile, writeFileAtomically } from "../util/files.ts";
import { isSafeWithoutTls } from "../util/hosts.ts";
import { withTimeout } from "../util/timing.ts";
import { connectionPool, readText } from "./http.ts";

/** The secrets, with the key sets that were fetched from a URL. */
export interface KeySets {
  /** With the text of a set in place of its URL. Read them for each delivery: a set may have changed. */
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
  text: string;
  requestedAt: number;
  renewal: Promise<boolean> | undefined;
}

type KeyContext = Pick<Context, "userFolder" | "signal" | "now" | "report">;

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
export async function openKeySets(
  context: KeyContext,
  { env, secrets }: Pick<Config, "env" | "secrets">,
  products: readonly Product[],
): Promise<KeySets> {
  const sets = new Map<string, RemoteSet>();
  for (const product of products) {
    if (!product.formats.some((format) => format.proofs.some(({ credential }) => credential === "jwks"))) continue;
    for (const given of secrets.for("jwks", product.id)) {
      const key = given.reveal();
      const url = urlOf(given, product);
      if (url === undefined && readKeySet(key) === undefined) throw noKeySet(given, product);
      if (url === undefined || sets.has(key)) continue;
      const { text, at } = await obtain(context, env, url);
      sets.set(key, { url, text, requestedAt: at, renewal: undefined });
    }
  }
  const resolve = (given: Secret): Secret => {
    const set = sets.get(given.reveal());
    return set === undefined ? given : secret(set.text, `${given.origin} (${set.url})`);
  };
  /** One request at a time, shared by all who wait for it. */
  const renew = async (set: RemoteSet): Promise<boolean> => {
    if (set.renewal !== undefined) return set.renewal;
    const at = context.now().getTime();
    if (Math.abs(at - set.requestedAt) < MIN_RENEW_INTERVAL_MS) return false;
    set.requestedAt = at;
    set.renewal = fetchAgain(context, env, set, at).finally(() => {
      set.renewal = undefined;
    });
    return set.renewal;
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
      const concerned = new Set(secrets.for("jwks", product).flatMap((given) => sets.get(given.reveal()) ?? []));
      return (await Promise.all([...concerned].map(renew))).includes(true);
    },
  };
}

/** The URL that a value for public keys names, by itself or as a data centre; undefined for a key set and a file. */
function urlOf(given: Secret, { formats }: Product): string | undefined {
  const value = given.reveal().trim();
  const centre = value.toLowerCase();
  for (const { keySets = {} } of proofsOf(formats)) if (Object.hasOwn(keySets, centre)) return keySets[centre];
  if (!URL.canParse(value)) return undefined;
  const { protocol, hostname, href } = new URL(value);
  if (protocol === "https:" || (protocol === "http:" && isSafeWithoutTls(hostname))) return href;
  if (protocol !== "http:") return undefined;
  throw usageError(
    `${given.origin}: public keys fetched over plain http can be forged`,
    "give an https:// URL, or a file",
  );
}

function proofsOf(formats: Product["formats"]): readonly Proof[] {
  return formats.flatMap(({ proofs }) => proofs);
}

function noKeySet({ origin }: Secret, { formats }: Product): Error {
  const centres = proofsOf(formats).flatMap(({ keySets = {} }) => Object.keys(keySets));
  return usageError(
    `${origin} is not a key set (JWKS)`,
    `give a file, an https:// URL${centres.length === 0 ? "" : ` or a data centre: ${centres.join(", ")}`}`,
  );
}

/** From the cache while it is fresh; a stale one, with a warning, if the URL does not answer. */
async function obtain(context: KeyContext, env: Config["env"], url: string): Promise<CachedSet> {
  const at = context.now().getTime();
  const cached = readCache(cacheFile(context, url));
  if (cached !== undefined && Math.abs(at - cached.at) < FRESH_MS) return cached;
  try {
    return await fetchKeySet(context, env, url, at, TIMEOUT_MS);
  } catch (error) {
    const failure = `the public keys could not be fetched from ${maskSetting(url)}`;
    if (cached === undefined) {
      const hint = "save the key set to a file, and name that file in ZOHO_WEBHOOK_JWKS";
      throw new UserError("credentials", `${failure}: ${errorText(error)}`, hint);
    }
    context.report({ type: "warning", message: `${failure} (${errorText(error)}): using the cached ones` });
    return cached;
  }
}

/** Resolves to whether there are other keys. */
async function fetchAgain(context: KeyContext, env: Config["env"], set: RemoteSet, at: number): Promise<boolean> {
  const { url } = set;
  try {
    const { text } = await fetchKeySet(context, env, url, at, RENEW_TIMEOUT_MS);
    if (text === set.text) return false;
    set.text = text;
  } catch (error) {
    const failure = `a delivery names an unknown key, and the keys could not be fetched again from ${maskSetting(url)}`;
    context.report({ type: "warning", message: `${failure}: ${errorText(error)}` });
    return false;
  }
  context.report({ type: "notice", message: `the public keys of ${url} have changed: the new ones are now in use` });
  return true;
}

/** Follows no redirect, and caches the set. Throws an `Error` that says what came instead of a key set. */
async function fetchKeySet(
  context: KeyContext,
  env: Config["env"],
  url: string,
  at: number,
  timeoutMs: number,
): Promise<CachedSet> {
  // Reading the signal installs the handlers for Ctrl-C: not before there is something to fetch.
  const { signal, report } = context;
  const pool = await connectionPool(env, timeoutMs);
  const { origin, pathname, search } = new URL(url);
  const headers = { accept: "application/json" };
  let text: string;
  try {
    text = await withTimeout(timeoutMs, [signal], async (limited) => {
      const path = `${pathname}${search}`;
      const { body, statusCode } = await pool.request({ origin, path, method: "GET", headers, signal: limited });
      const answer = await readText(body, MAX_BODY_BYTES);
      if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
      return answer;
    });
  } catch (error) {
    throw new Error(signal.aborted ? "it was interrupted" : errorText(error), { cause: error });
  } finally {
    await pool.destroy();
  }
  if ((readKeySet(text) ?? []).length === 0) throw new Error("it has no RSA keys that verify signatures");
  try {
    writeFileAtomically(cacheFile(context, url), JSON.stringify({ at, text }));
  } catch (error) {
    report({ type: "warning", message: `the public keys of ${url} could not be cached: ${errorText(error)}` });
  }
  return { at, text };
}

/** Undefined if there is none, or a damaged one. */
function readCache(file: string): CachedSet | undefined {
  try {
    const { at, text } = JSON.parse(readRegularFile(file).toString("utf8"));
    const isUsable = typeof at === "number" && typeof text === "string" && readKeySet(text) !== undefined;
    return isUsable ? { at, text } : undefined;
  } catch {
    return undefined;
  }
}

/** Fetched sets are cached for the next run. */
function cacheFile(context: KeyContext, url: string): string {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
  return join(context.userFolder, "key-sets", `${name}.json`);
}

/** The key set (JWKS) for the private keys that `send` signs these products' deliveries with; undefined without any. */
export function localKeySet(secrets: Secrets, products: readonly Product[]): string | undefined {
  const signing = products.filter(({ formats }) =>
    formats.some(({ proofs }) => proofs.some((proof) => proof.signingCredential === "privateKey")),
  );
  const keys = signing.flatMap(({ id }) => secrets.for("privateKey", id).map(readPrivateKey));
  return keys.length === 0 ? undefined : writeKeySet(...keys);
}
