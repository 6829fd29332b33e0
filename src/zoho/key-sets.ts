import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, UserError, usageError } from "../core/errors.ts";
import { readKeySet } from "../core/key-set.ts";
import type { Product } from "../core/product.ts";
import { type Secret, type Secrets, secret } from "../core/secret.ts";
import { fetchKeySet } from "./fetch-key-set.ts";

export interface KeySetOptions {
  readonly products: readonly Product[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where fetched sets are kept for the next run. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  now(): Date;
  warn(message: string): void;
}

/** Keys change rarely, and seldom without the old ones staying for a while. */
const FRESH_MS = 3_600_000;

/**
 * The secrets with every public key set in them at hand: where one is given as an address, or as a data centre that
 * the product has an address for, what lies there takes its place. Throws `UserError` (6) when it cannot be had.
 */
export async function withKeySets(secrets: Secrets, options: KeySetOptions): Promise<Secrets> {
  const found = new Map<string, Secret>();
  for (const product of options.products) {
    if (!product.formats.some((format) => format.proofs.some(({ credential }) => credential === "jwks"))) continue;
    for (const given of secrets.for("jwks", product.id)) {
      const address = addressOf(given, product);
      const key = given.reveal();
      if (address === undefined && readKeySet(key) === undefined) throw noKeySet(given, product);
      if (address !== undefined && !found.has(key))
        found.set(key, secret(await obtain(address, options), `${given.origin} (${address})`));
    }
  }
  const resolve = (given: Secret): Secret => found.get(given.reveal()) ?? given;
  return {
    for: (credential, product) =>
      credential === "jwks" ? secrets.for(credential, product).map(resolve) : secrets.for(credential, product),
    all: () => secrets.all(),
  };
}

function addressOf(given: Secret, { formats }: Product): string | undefined {
  const value = given.reveal().trim();
  for (const format of formats) {
    const known = format.keySets?.[value.toLowerCase()];
    if (known !== undefined) return known;
  }
  if (!URL.canParse(value)) return undefined;
  const { protocol, hostname } = new URL(value);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol === "https:" || (protocol === "http:" && isLocal)) return value;
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
async function obtain(address: string, { env, cacheFolder, signal, now, warn }: KeySetOptions): Promise<string> {
  const path = join(cacheFolder, `${createHash("sha256").update(address).digest("hex").slice(0, 16)}.json`);
  const kept = await readKept(path);
  if (kept !== undefined && Math.abs(now().getTime() - kept.at) < FRESH_MS) return kept.text;
  let problem: string;
  try {
    const text = await fetchKeySet(address, env, signal);
    if ((readKeySet(text) ?? []).length > 0) {
      await keep(path, { at: now().getTime(), text }).catch((error: unknown) => {
        warn(`the public keys of ${address} could not be kept for later: ${errorText(error)}`);
      });
      return text;
    }
    problem = "it holds no RSA keys";
  } catch (error) {
    problem = errorText(error);
  }
  if (kept === undefined) {
    throw new UserError(
      "credentials",
      `the public keys could not be fetched from ${address}: ${problem}`,
      "save the key set to a file and name that file in ZOHO_WEBHOOK_JWKS",
    );
  }
  warn(`the public keys could not be fetched from ${address} (${problem}): using those of an earlier run`);
  return kept.text;
}

interface Kept {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** Undefined where there is none, or a damaged one: it is fetched anew. */
async function readKept(path: string): Promise<Kept | undefined> {
  try {
    const data: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof data !== "object" || data === null || !("at" in data) || !("text" in data)) return undefined;
    const { at, text } = data;
    return typeof at === "number" && typeof text === "string" && readKeySet(text) !== undefined
      ? { at, text }
      : undefined;
  } catch {
    return undefined;
  }
}

async function keep(path: string, kept: Kept): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(temporary, JSON.stringify(kept));
  await rename(temporary, path);
}
