import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { geteuid } from "node:process";
import { z } from "zod";
import type { KnownSecrets } from "../body/known-secrets.ts";
import { CREDENTIAL_VARIABLES, type Credential, type Secret, type Secrets, secret } from "../body/secret.ts";
import { type Source, USER } from "../body/source.ts";
import type { OfferedSecret } from "../core/product.ts";
import { readPrivateKey, readPublicKeys } from "../core/proofs/rsa-signature.ts";
import { usageError } from "../util/errors.ts";
import {
  MAX_SETTINGS_BYTES,
  makePrivateFolder,
  readRegularFile,
  readText,
  writeFileAtomically,
  writePrivateFile,
} from "../util/files.ts";
import { findLink, isAbove, isOutside, rejectLinks, rejectServerLink } from "../util/links.ts";
import { shellQuoted } from "../util/text.ts";
import { cachedFor } from "../util/timing.ts";
import { ENV_FILE } from "./environment.ts";
import { PROJECT_FOLDER } from "./settings.ts";

const CREDENTIALS = Object.keys(CREDENTIAL_VARIABLES) as readonly Credential[];

/** Credentials that users choose themselves. The others are made by Zoho or are key pairs. */
export const CHOSEN_CREDENTIALS = ["secret", "token"] as const satisfies readonly Credential[];

/** Keys have many lines, so their variables may hold the path of a file. */
const MULTI_LINE: readonly Credential[] = ["publicKey", "privateKey", "jwks"];

/** Everyone may see these. */
const PUBLIC: readonly string[] = ["publicKey", "jwks"] satisfies Credential[];

/** Secrets from files that were named on the command line. They take precedence over the environment. */
export type GivenSecrets = Readonly<Partial<Record<Credential, Secret>>>;

interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined for commands that neither verify nor sign, which do not fail for a key that cannot be read. */
  readonly given?: GivenSecrets | undefined;
  /** The folder that paths of key files are relative to. */
  readonly root: string;
  /** Of a variable: the user, or the project's `.env`, which may have come with a clone. */
  readonly sourceOf?: (name: string) => Source;
  readonly stored?: StoredSecrets | undefined;
  /** The secrets are added to these. */
  readonly known: KnownSecrets;
}

/**
 * The secrets of flags, of the environment and of the project. A product's own variable replaces the general one. A variable that
 * is set but empty is an error: it would turn the check off silently.
 */
export function readSecrets({ env, given, root, sourceOf = () => USER, stored, known }: SecretSources): Secrets {
  const found = new Map<string, Secret>();
  const remember = (credential: string, { reveal }: Secret): void => {
    const isPath = credential === "privateKey" && !reveal().includes("PRIVATE KEY");
    if (!PUBLIC.includes(credential) && !isPath) known.remember(reveal());
  };
  for (const [credential, each] of Object.entries(given ?? {})) if (each !== undefined) remember(credential, each);
  for (const credential of CREDENTIALS) {
    const variable = CREDENTIAL_VARIABLES[credential];
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined || !(name === variable || name.startsWith(`${variable}_`))) continue;
      if (value.trim() === "") throw emptySecret(name);
      const isKey = MULTI_LINE.includes(credential);
      const isForeign = isKey && sourceOf(name) !== USER && namesOutside(value, root);
      if (given !== undefined && isForeign) throw foreignFile(name, value, root);
      if (given !== undefined && isKey) requirePrivateKeyFile(value, root, credential === "privateKey");
      const content = secret(isKey && !isForeign ? contentOf(value, root) : value, name, sourceOf(name));
      // A key that cannot be read would fail every delivery, so it is an error before the first.
      if (given !== undefined && isKey && content.reveal() === value) rejectMissingFile(name, value, root);
      if (given !== undefined && credential === "publicKey") readPublicKeys(content);
      if (given !== undefined && credential === "privateKey") readPrivateKey(content);
      remember(credential, content);
      found.set(name, name === variable ? { ...content, shared: true } : content);
    }
  }
  return {
    for(credential, product) {
      const own = found.get(ownVariable(credential, product));
      const flag = given?.[credential];
      // The flag replaces a product's own secret, which stays required.
      if (flag !== undefined) return [{ ...flag, shared: own === undefined }];
      const one = own ?? found.get(CREDENTIAL_VARIABLES[credential]) ?? stored?.find(product, credential);
      return one === undefined ? [] : [one];
    },
    all: () => [
      ...Object.values(given ?? {}).filter((each) => each !== undefined),
      ...found.values(),
      ...(stored?.all() ?? []),
    ],
  };
}

/** A private key has 2 to 4 kB, a key set some keys. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

/** The content of the file that a value names, or the value itself where it names none. */
function contentOf(value: string, root: string): string {
  if (value.includes("\n") || value.length > 1024) return value;
  try {
    return readRegularFile(resolve(root, value), MAX_KEY_FILE_BYTES).toString("utf8");
  } catch {
    return value;
  }
}

/** A project does not choose among the user's other files what to sign or verify with, nor a server to look for it on. */
function namesOutside(value: string, root: string): boolean {
  return !value.includes("\n") && value.length <= 1024 && isOutside(root, resolve(root, value));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Not a path: a key itself may be too long for one.
    return false;
  }
}

function foreignFile(name: string, value: string, root: string): Error {
  return usageError(
    `${name} in ${join(root, ENV_FILE)} names ${resolve(root, value)}, which is outside the project or behind a link`,
    `a project does not decide this by itself: it may be a stranger's. If you want it, set ${name} in the environment`,
  );
}

/** The folder of keys also has public ones, which anyone may read. */
function requirePrivateKeyFile(value: string, root: string, isSecret: boolean): void {
  const path = resolve(root, value);
  if (!isAbove(join(root, KEYS_FOLDER), path) && isFile(path)) requirePrivate(root, path, isSecret);
}

/**
 * Throws a usage error where a file of secrets or its folder is not this user's alone, or is behind a link. Others may have
 * written it, or it came with a clone, whose files have the mode of the umask.
 */
function requirePrivate(root: string, path: string, isSecret = true): void {
  const user = geteuid?.();
  const link = findLink(root, path);
  if (link !== undefined) throw usageError(`${link} is a link, so it may lead to any file of yours`, "delete the link");
  // Windows has no modes.
  if (user === undefined) return;
  // Windows drives that are mounted under Linux show 0777 for every file.
  const hasModes = (statSync(path).mode & 0o777) !== 0o777;
  for (const place of [dirname(path), ...(isSecret ? [path] : [])]) {
    const { uid, mode } = statSync(place);
    const isLoose = hasModes && (mode & 0o077) !== 0;
    // In a container root works in a mounted folder of somebody else's.
    const isOwn = uid === user || (user === 0 && uid === statSync(root).uid);
    if (isOwn && !isLoose) continue;
    const reason = isLoose ? "is open to other users, as what comes with a clone is" : "belongs to another user";
    const make = isLoose ? `chmod ${place === path ? 600 : 700} ${shellQuoted(place)}` : "change its owner (chown)";
    throw usageError(`${place} ${reason}`, `if the secrets in it are yours: ${make}; if not, delete it`);
  }
}

/** A short value with a file extension is a path and not a key. */
function rejectMissingFile(name: string, value: string, root: string): void {
  if (value.length > 200 || !/^[^\n]*\.[a-z0-9]{2,5}$/i.test(value) || value.includes("://")) return;
  throw usageError(
    `${name}: there is no readable file ${resolve(root, value)}`,
    "give the key itself, or the path of a file with it: absolute, or relative to the project's folder",
  );
}

function emptySecret(name: string): Error {
  return usageError(`${name} is set but empty`, `give it a value, or remove it from the environment and ${ENV_FILE}`);
}

function ownVariable(credential: Credential, product: string): string {
  return `${CREDENTIAL_VARIABLES[credential]}_${variableSuffix(product)}`;
}

/** `MY_SHOP` for `my-shop`: ids of user-defined products may have hyphens, names of variables may not. */
export function variableSuffix(product: string): string {
  return product.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** Keys and secrets that the tool stores, below a project's root. Ignored by Git. */
export const KEYS_FOLDER = join(PROJECT_FOLDER, "keys");
export const STORED_SECRETS_FILE = join(KEYS_FOLDER, "hook-secrets.json");

/** Short enough for a secret that was just stored, long enough not to slow down thousands of deliveries a second. */
const RELOAD_AFTER_MS = 2;

type StoredSecrets = ReturnType<typeof readStoredSecrets>;

/** The secrets that senders offered when their webhooks were set up, or that Zoho was given to sign with. */
export function readStoredSecrets(root: string, known: KnownSecrets) {
  const path = join(root, STORED_SECRETS_FILE);
  // Read before the file, so that a change in between is noticed.
  rejectServerLink(root, path);
  let modifiedMs = modificationTime(path);
  let stored = read(root, path);
  // Another process may store one meanwhile: `webhooks create` while `listen` runs.
  const reload = (): void => {
    const nowMs = modificationTime(path);
    if (nowMs !== modifiedMs) {
      stored = readOr(root, path, stored);
      remember();
    }
    modifiedMs = nowMs;
  };
  const reloadSometimes = cachedFor(RELOAD_AFTER_MS, Date.now, reload);
  const current = (): FileContent => {
    reloadSometimes();
    return stored;
  };
  const remember = (): void => known.remember(...Object.values(stored).flatMap((each) => Object.values(each)));
  const asSecret = (value: string): Secret => secret(value, STORED_SECRETS_FILE, path);
  remember();
  return {
    find(product: string, credential: string): Secret | undefined {
      const value = current()[product]?.[credential];
      return value === undefined ? undefined : asSecret(value);
    },
    all: (): readonly Secret[] => Object.values(current()).flatMap((each) => Object.values(each).map(asSecret)),
    /** Writes a secret and returns the name of the file. Throws a usage error when that fails. */
    store(product: string, { credential, value }: OfferedSecret): string {
      reload();
      known.remember(value);
      const all = { ...stored, [product]: { ...stored[product], [credential]: value } };
      ignoreKeys(root);
      writePrivateFile(root, path, `${JSON.stringify(all, undefined, 2)}\n`);
      stored = all;
      modifiedMs = undefined;
      return STORED_SECRETS_FILE;
    },
  };
}

const PUBLIC_FILES = /^!(?:public\.pem|jwks\.json|\.gitignore)$/;

/** Makes Git ignore the folder of keys, whatever the project's own rules are. */
export function ignoreKeys(root: string): void {
  const path = join(root, KEYS_FOLDER, ".gitignore");
  rejectLinks(root, path);
  makePrivateFolder(join(root, KEYS_FOLDER));
  const lines = (readText(path) ?? "").split(/\r?\n/).map((line) => line.replace(/ +$/, ""));
  // A clone's may have exceptions for secrets.
  const isIgnored = lines.includes("*") && lines.every((line) => !line.startsWith("!") || PUBLIC_FILES.test(line));
  if (!isIgnored) writeFileAtomically(path, "*\n", { mode: 0o644, keepMode: false });
}

function modificationTime(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    // Its folder cannot be examined: reading or writing the file reports why.
    return undefined;
  }
}

/** Secrets by product and credential. */
type FileContent = z.infer<ReturnType<typeof fileContent>>;

function fileContent() {
  return z.record(z.string(), z.record(z.string(), z.string().min(1)));
}

/** A file that is damaged during a run does not affect the run. */
function readOr(root: string, path: string, before: FileContent): FileContent {
  try {
    return read(root, path);
  } catch {
    return before;
  }
}

function read(root: string, path: string): FileContent {
  if (modificationTime(path) === undefined) return {};
  requirePrivate(root, path);
  const text = readText(path, MAX_SETTINGS_BYTES);
  if (text === undefined) return {};
  try {
    return fileContent().parse(JSON.parse(text));
  } catch {
    throw usageError(`${path} is damaged`, "restore it; or delete it, and set the webhooks up again");
  }
}
