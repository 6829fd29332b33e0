import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type Credential, type Secret, type Secrets, secret } from "../body/secret.ts";
import type { OfferedSecret } from "../core/product.ts";
import { readPrivateKey, readPublicKeys } from "../core/proofs/rsa-signature.ts";
import { usageError } from "../util/errors.ts";
import { readText, rejectLinks, writeFileAtomically, writePrivateFile } from "../util/files.ts";
import { cachedFor } from "../util/timing.ts";
import { ENV_FILE } from "./environment.ts";

/** The environment variable of each credential. With `_CRM` behind it, it is that product's own. */
export const CREDENTIAL_VARIABLES: Readonly<Record<Credential, string>> = {
  secret: "ZOHO_WEBHOOK_SECRET",
  token: "ZOHO_WEBHOOK_TOKEN",
  auth: "ZOHO_WEBHOOK_AUTH",
  hookSecret: "ZOHO_WEBHOOK_HOOK_SECRET",
  publicKey: "ZOHO_WEBHOOK_PUBLIC_KEY",
  privateKey: "ZOHO_WEBHOOK_PRIVATE_KEY",
  jwks: "ZOHO_WEBHOOK_JWKS",
};

const CREDENTIALS = Object.keys(CREDENTIAL_VARIABLES) as readonly Credential[];

/** What a user makes up and gives to both sides. The others are made by Zoho, or come in pairs. */
export const CHOSEN_CREDENTIALS = ["secret", "token"] as const satisfies readonly Credential[];

/** Keys have many lines: their variables may name a file in place of them. */
const IN_FILES: readonly Credential[] = ["publicKey", "privateKey", "jwks"];

/** Secrets given on the command line as files, by credential. They go before the environment. */
export type GivenSecrets = Readonly<Partial<Record<Credential, Secret>>>;

/**
 * The secrets of the environment and of flags. A product's own variable replaces the general one.
 * A variable that is set but empty is an error: it would switch the check off unseen.
 * `given` is undefined for a command that neither checks nor signs: a key that cannot be read is nothing to it.
 */
export function readSecrets(
  env: Readonly<Record<string, string | undefined>>,
  given?: GivenSecrets,
  root = ".",
  kept?: StoredSecrets,
): Secrets {
  const found = new Map<string, Secret>();
  for (const credential of CREDENTIALS) {
    const variable = CREDENTIAL_VARIABLES[credential];
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined || !(name === variable || name.startsWith(`${variable}_`))) continue;
      if (value.trim() === "") throw emptySecret(name);
      const isKey = IN_FILES.includes(credential);
      const content = secret(isKey ? contentOf(value, root) : value, name);
      // A key that cannot be read would fail every delivery: better to say so before the first.
      if (given !== undefined && isKey && content.reveal() === value) refuseMissingFile(name, value, root);
      if (given !== undefined && credential === "publicKey") readPublicKeys(content);
      if (given !== undefined && credential === "privateKey") readPrivateKey(content);
      found.set(name, content);
    }
  }
  return {
    for(credential, product) {
      const one =
        given?.[credential] ??
        found.get(ownVariable(credential, product)) ??
        found.get(CREDENTIAL_VARIABLES[credential]) ??
        kept?.find(product, credential);
      return one === undefined ? [] : [one];
    },
    all: () => [
      ...Object.values(given ?? {}).filter((each) => each !== undefined),
      ...found.values(),
      ...(kept?.all() ?? []),
    ],
  };
}

/** What the file holds that a value names; the value itself where it names none. */
function contentOf(value: string, root: string): string {
  if (value.includes("\n") || value.length > 1024) return value;
  try {
    return readFileSync(resolve(root, value), "utf8");
  } catch {
    return value;
  }
}

/** A key is far longer, and ends in no file's ending. */
function refuseMissingFile(name: string, value: string, root: string): void {
  if (value.length > 200 || !/^[^\n]*\.[a-z0-9]{2,5}$/i.test(value) || value.includes("://")) return;
  throw usageError(
    `${name}: there is no readable file ${resolve(root, value)}`,
    "give the key itself, or the path of a file with it: absolute, or relative to the project's folder",
  );
}

function emptySecret(name: string): Error {
  return usageError(
    `${name} is set but empty`,
    `give it a value, or, to do without, remove it from the environment and ${ENV_FILE}`,
  );
}

function ownVariable(credential: Credential, product: string): string {
  return `${CREDENTIAL_VARIABLES[credential]}_${variableSuffix(product)}`;
}

/** `MY_SHOP` for `my-shop`: the name of a product of the user's own may have a hyphen, that of a variable may not. */
export function variableSuffix(product: string): string {
  return product.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** Keys and secrets that the tool itself has to keep, below a project's root. It is never part of a commit. */
export const KEYS_FOLDER = join(".zoho-hooks", "keys");
/** The file that they lie in, by which they are called. */
export const STORED_SECRETS_FILE = join(KEYS_FOLDER, "hook-secrets.json");

/** Nothing is made and used in less; thousands of deliveries a second are not held up. */
const LOOK_EVERY_MS = 2;

/** By product, then by credential. */
function keptFile() {
  return z.record(z.string(), z.record(z.string(), z.string().min(1)));
}

/** Secrets that senders have handed over when their webhooks were set up, or that Zoho was given to sign with. */
export interface StoredSecrets {
  find(product: string, credential: string): Secret | undefined;
  all(): readonly Secret[];
  /** Writes it down at once and returns the file's name. Throws a usage error when it cannot. */
  store(product: string, offered: OfferedSecret): string;
}

export function readStoredSecrets(root: string): StoredSecrets {
  const path = join(root, STORED_SECRETS_FILE);
  // Asked before the reading: a change in between is then seen.
  let changedMs = changeOf(path);
  let kept = read(path);
  // Another process may keep one meanwhile: `webhooks create` while `listen` runs.
  const look = (): void => {
    const nowChangedMs = changeOf(path);
    if (nowChangedMs !== changedMs) kept = readOr(path, kept);
    changedMs = nowChangedMs;
  };
  const lookNowAndThen = cachedFor(LOOK_EVERY_MS, Date.now, look);
  const current = (): typeof kept => {
    lookNowAndThen();
    return kept;
  };
  const asSecret = (value: string): Secret => secret(value, STORED_SECRETS_FILE);
  return {
    find(product, credential) {
      const value = current()[product]?.[credential];
      return value === undefined ? undefined : asSecret(value);
    },
    all: () => Object.values(current()).flatMap((each) => Object.values(each).map(asSecret)),
    store(product, { credential, value }) {
      look();
      const all = { ...kept, [product]: { ...kept[product], [credential]: value } };
      ignoreKeys(root);
      writePrivateFile(root, path, `${JSON.stringify(all, undefined, 2)}\n`);
      kept = all;
      changedMs = undefined;
      return STORED_SECRETS_FILE;
    },
  };
}

/** Keeps git away from the folder of keys, whatever the project's own rules say. */
export function ignoreKeys(root: string): void {
  const path = join(root, KEYS_FOLDER, ".gitignore");
  rejectLinks(root, path);
  const isIgnored = readText(path)?.split(/\r?\n/).includes("*") === true;
  if (!isIgnored) writeFileAtomically(path, "*\n");
}

function changeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    // A file where its folder should be: reading it says so, where that matters.
    return undefined;
  }
}

/** A file that was damaged after it was read takes nothing away from a run. */
function readOr(path: string, before: z.infer<ReturnType<typeof keptFile>>): typeof before {
  try {
    return read(path);
  } catch {
    return before;
  }
}

function read(path: string): z.infer<ReturnType<typeof keptFile>> {
  const text = readText(path);
  if (text === undefined) return {};
  try {
    return keptFile().parse(JSON.parse(text));
  } catch {
    throw usageError(`${path} is damaged`, "restore it; or delete it, and set the webhooks up again");
  }
}
