import { createHash } from "node:crypto";
import { promises } from "node:fs";
import { join } from "node:path";
import type { Dispatcher } from "undici";
import { type Secret, type Secrets, secret } from "../../body/secret.ts";
import type { Product } from "../../core/product.ts";
import { readKeySet } from "../../core/proofs/keys.ts";
import { errorText, UserError, usageError } from "../../util/errors.ts";
import { writeFileAtomically } from "../../util/files.ts";
import { isSafeWithoutTls } from "../../util/hosts.ts";
import { withTimeout } from "../../util/timing.ts";
import { connectionPool } from "../http.ts";

export interface KeySetOptions {
  readonly products: readonly Product[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where fetched sets are kept for the next run. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  now(): Date;
  warn(message: string): void;
  tell?(message: string): void;
  readonly renewTimeoutMs?: number;
}

export interface KeySets {
  /** The secrets, with every public key set in them at hand. Read anew for each delivery: a set may have changed. */
  readonly secrets: Secrets;
  /**
   * Fetches the sets that a product's proofs are checked with anew, for a delivery signed with a key that is in none of
   * them. Resolves to whether there are other keys now; at once where a set was fetched less than a minute ago, so that
   * whoever makes up key ids causes no more requests than that.
   */
  renew(product: string): Promise<boolean>;
}

/** Keys change rarely, and seldom without the old ones staying for a while. */
const FRESH_MS = 3_600_000;

/** A delivery waits for it, and Desk waits five seconds for the answer to a delivery. */
const RENEW_TIMEOUT_MS = 3_000;
const RENEW_PAUSE_MS = 60_000;

/** A set that lies at an address. */
interface HeldSet {
  readonly address: string;
  readonly products: Set<string>;
  text: string;
  /** When it was last asked for, in milliseconds since the epoch. */
  askedAt: number;
  renewal: Promise<boolean> | undefined;
}

/**
 * The key sets among the secrets: where one is given as an address, or as a data centre that the product has an
 * address for, what lies there takes its place. Throws `UserError` (6) when it cannot be had.
 */
export async function openKeySets(secrets: Secrets, options: KeySetOptions): Promise<KeySets> {
  const held = new Map<string, HeldSet>();
  for (const product of options.products) {
    if (!product.formats.some((format) => format.proofs.some(({ credential }) => credential === "jwks"))) continue;
    for (const given of secrets.for("jwks", product.id)) {
      const address = addressOf(given, product);
      const key = given.reveal();
      if (address === undefined && readKeySet(key) === undefined) throw noKeySet(given, product);
      if (address === undefined) continue;
      const known = held.get(key);
      if (known === undefined) {
        const { text, at } = await obtain(address, options);
        held.set(key, { address, products: new Set([product.id]), text, askedAt: at, renewal: undefined });
      } else known.products.add(product.id);
    }
  }
  const resolve = (given: Secret): Secret => {
    const set = held.get(given.reveal());
    return set === undefined ? given : secret(set.text, `${given.origin} (${set.address})`);
  };
  return {
    secrets: {
      for: (credential, product) =>
        credential === "jwks" ? secrets.for(credential, product).map(resolve) : secrets.for(credential, product),
      all: () => secrets.all(),
    },
    async renew(product) {
      const sets = [...held.values()].filter(({ products }) => products.has(product));
      return (await Promise.all(sets.map((set) => renewSet(set, options)))).includes(true);
    },
  };
}

/** One request at a time, whoever asks for it meanwhile; true when there are other keys now. */
function renewSet(set: HeldSet, options: KeySetOptions): Promise<boolean> {
  if (set.renewal !== undefined) return set.renewal;
  const at = options.now().getTime();
  if (Math.abs(at - set.askedAt) < RENEW_PAUSE_MS) return Promise.resolve(false);
  set.askedAt = at;
  set.renewal = fetchInto(set, at, options).finally(() => {
    set.renewal = undefined;
  });
  return set.renewal;
}

async function fetchInto(set: HeldSet, at: number, options: KeySetOptions): Promise<boolean> {
  const { address } = set;
  const fetched = await fetchUsable(address, options, options.renewTimeoutMs ?? RENEW_TIMEOUT_MS);
  if ("problem" in fetched) {
    options.warn(
      `a delivery names an unknown key, and the keys could not be fetched again from ${address}: ${fetched.problem}`,
    );
    return false;
  }
  await keepFor(address, { at, text: fetched.text }, options);
  if (fetched.text === set.text) return false;
  set.text = fetched.text;
  options.tell?.(`the public keys of ${address} have changed: the new ones are now in use`);
  return true;
}

function addressOf(given: Secret, { formats }: Product): string | undefined {
  const value = given.reveal().trim();
  for (const format of formats) {
    const known = format.keySets?.[value.toLowerCase()];
    if (known !== undefined) return known;
  }
  if (!URL.canParse(value)) return undefined;
  const { protocol, hostname } = new URL(value);
  if (protocol === "https:" || (protocol === "http:" && isSafeWithoutTls(hostname))) return value;
  if (protocol !== "http:") return undefined;
  throw usageError(`${given.origin}: public keys over http could be anyone's`, "give an https:// address, or a file");
}

function noKeySet({ origin }: Secret, { formats }: Product): Error {
  const centres = formats.flatMap((format) => Object.keys(format.keySets ?? {}));
  return usageError(
    `${origin} holds no key set (JWKS)`,
    `give it a file, an https:// address${centres.length === 0 ? "" : ` or a data centre: ${centres.join(", ")}`}`,
  );
}

/** From the cache while it is fresh; stale too, with a warning, where the address does not answer. */
async function obtain(address: string, options: KeySetOptions): Promise<KeptKeySet> {
  const at = options.now().getTime();
  const kept = await readKept(options.cacheFolder, address);
  if (kept !== undefined && Math.abs(at - kept.at) < FRESH_MS) return kept;
  const fetched = await fetchUsable(address, options);
  if ("text" in fetched) {
    const fresh = { at, text: fetched.text };
    await keepFor(address, fresh, options);
    return fresh;
  }
  if (kept === undefined) {
    throw new UserError(
      "credentials",
      `the public keys could not be fetched from ${address}: ${fetched.problem}`,
      "save the key set to a file and name that file in ZOHO_WEBHOOK_JWKS",
    );
  }
  options.warn(
    `the public keys could not be fetched from ${address} (${fetched.problem}): using those of an earlier run`,
  );
  return kept;
}

/** The text of a set with keys in it, or why there is none. */
async function fetchUsable(
  address: string,
  { env, signal }: KeySetOptions,
  timeoutMs?: number,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const text = await fetchKeySet(address, env, signal, timeoutMs);
    return (readKeySet(text) ?? []).length > 0 ? { text } : { problem: "it holds no RSA keys that check signatures" };
  } catch (error) {
    return { problem: errorText(error) };
  }
}

async function keepFor(address: string, kept: KeptKeySet, { cacheFolder, warn }: KeySetOptions): Promise<void> {
  await keepKeySet(cacheFolder, address, kept).catch((error: unknown) => {
    warn(`the public keys of ${address} could not be kept for later: ${errorText(error)}`);
  });
}

const TIMEOUT_MS = 10_000;
const LONGEST_BODY = 1024 * 1024;

/** The text at an address of public keys. Follows no redirect; throws an `Error` that says what came instead. */
export async function fetchKeySet(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const pool = await connectionPool(env, timeoutMs);
  try {
    return await withTimeout(timeoutMs, [signal], (limited) => fetchText(pool, new URL(address), limited));
  } catch (error) {
    throw new Error(signal.aborted ? "it was interrupted" : errorText(error), { cause: error });
  } finally {
    await pool.destroy();
  }
}

async function fetchText(pool: Dispatcher, url: URL, signal: AbortSignal): Promise<string> {
  const response = await pool.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: "GET",
    headers: { accept: "application/json" },
    signal,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > LONGEST_BODY) throw new Error("the answer is larger than any key set");
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
  return Buffer.concat(chunks).toString("utf8");
}

/** A key set that was fetched, for the next run. */
interface KeptKeySet {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** Undefined where there is none, or a damaged one: it is fetched anew. */
async function readKept(folder: string, address: string): Promise<KeptKeySet | undefined> {
  try {
    const data: unknown = JSON.parse(await promises.readFile(fileOf(folder, address), "utf8"));
    if (typeof data !== "object" || data === null || !("at" in data) || !("text" in data)) return undefined;
    const { at, text } = data;
    return typeof at === "number" && typeof text === "string" && readKeySet(text) !== undefined
      ? { at, text }
      : undefined;
  } catch {
    return undefined;
  }
}

async function keepKeySet(folder: string, address: string, kept: KeptKeySet): Promise<void> {
  writeFileAtomically(fileOf(folder, address), JSON.stringify(kept));
}

function fileOf(folder: string, address: string): string {
  return join(folder, `${createHash("sha256").update(address).digest("hex").slice(0, 16)}.json`);
}
