import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { readPrivateKey, readPublicKeys } from "../delivery/rsa-keys.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import { CREDENTIAL_VARIABLES, type Credential, type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import { productNames } from "../model/event-names.ts";
import type { OfferedSecret } from "../model/product.ts";
import { orUndefined, usageError } from "../util/errors.ts";
import {
  MAX_SETTINGS_BYTES,
  makePrivateFolder,
  readRegularFile,
  readText,
  writeFileAtomically,
  writePrivateFile,
} from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import { cachedFor } from "../util/timing.ts";
import { FILE_SUFFIX, MAX_SECRET_FILE_BYTES, readSecretVariable, secretOfFile } from "./secret-variables.ts";
import { PROJECT_FOLDER } from "./settings.ts";
import type { Env } from "./variables.ts";

/** Credentials that users choose themselves. The others are made by Zoho or are key pairs. */
export const CHOSEN_CREDENTIALS = ["secret", "token"] as const satisfies readonly Credential[];

/** Keys have many lines, so their variables may hold the path of a file. */
export const MULTI_LINE = ["publicKey", "privateKey", "jwks"] as const satisfies readonly Credential[];

/** Everyone may see these. */
const PUBLIC: readonly string[] = ["publicKey", "jwks"] satisfies Credential[];

interface SecretSources {
  readonly env: Env;
  /** False for commands that neither verify nor sign, which do not fail for a key that cannot be read. */
  readonly isStrict: boolean;
  /** The folder that paths of key files are relative to. */
  readonly root: string;
  readonly stored?: StoredSecrets;
  /** The secrets are added to these. */
  readonly known: KnownSecrets;
}

/**
 * The secrets of the environment and of the project. A product's own variable replaces the general one. A variable that is set
 * but empty is an error: it would turn the check off silently.
 */
export function readSecrets(sources: SecretSources): Secrets {
  const { env, stored, known } = sources;
  const found = new Map<string, Secret>();
  for (const [credential, variable] of Object.entries(CREDENTIAL_VARIABLES)) {
    for (const name of namesOf(variable, env)) {
      const content = readVariable(sources, credential, name);
      if (content === undefined) continue;
      const isPath = credential === "privateKey" && !content.reveal().includes("PRIVATE KEY");
      if (!PUBLIC.includes(credential) && !isPath) known.remember(content.reveal());
      found.set(name, { ...content, shared: name === variable });
    }
  }
  return {
    for(credential, product) {
      const variable = CREDENTIAL_VARIABLES[credential];
      const owns = productNames(product).flatMap((name) => found.get(`${variable}_${variableSuffix(name)}`) ?? []);
      if (owns.length > 0) return owns;
      const one = found.get(variable) ?? stored?.find(product, credential);
      return one === undefined ? [] : [one];
    },
    all: () => [...found.values(), ...(stored?.all() ?? [])],
  };
}

/** The secret of one variable, given as its value or in a file; of a key also where the value is the path of one. */
function readVariable(sources: SecretSources, credential: string, name: string): Secret | undefined {
  const { env, isStrict, root } = sources;
  // Without a value it is an error for every command, as a path that leads nowhere is not.
  const path = env[`${name}${FILE_SUFFIX}` as keyof Env];
  const read = () => readSecretVariable(env, name);
  const given = path !== undefined && !isStrict ? orUndefined(read) : read();
  if (given === undefined || !MULTI_LINE.some((each) => each === credential)) return given;
  const value = given.reveal();
  const content = path === undefined ? secret(contentOf(value, root), given.origin) : given;
  if (!isStrict) return content;
  // A key that cannot be read would fail every delivery, so it is an error before the first.
  if (path !== undefined && URL.canParse(value.trim())) throw urlInFile(given.origin, path);
  if (path === undefined && content.reveal() === value) rejectUnusableFile(name, value, root);
  if (credential === "publicKey") readPublicKeys(content);
  if (credential === "privateKey") readPrivateKey(content);
  return content;
}

/** The variable itself and those of products that are set, as a value or as a file with it. */
function namesOf(variable: string, env: Env): ReadonlySet<string> {
  const names = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [secretOfFile(name) ?? name],
  );
  return new Set(names.filter((name) => name === variable || name.startsWith(`${variable}_`)));
}

/** The content of the file that a value names, or the value itself where it names none with a key. */
function contentOf(value: string, root: string): string {
  const text = readKey(value, root);
  return text === undefined || URL.canParse(text.trim()) ? value : text;
}

function readKey(value: string, root: string): string | undefined {
  if (!namesFile(value)) return undefined;
  return orUndefined(() => readRegularFile(resolve(root, value), MAX_SECRET_FILE_BYTES).toString("utf8"));
}

/** A path is one short line. */
export function namesFile(value: string): boolean {
  return !value.includes("\n") && value.length <= 1024;
}

function rejectUnusableFile(name: string, value: string, root: string): void {
  const path = resolve(root, value);
  if (readKey(value, root) !== undefined) throw urlInFile(name, path);
  // A short value with a file extension is a path and not a key.
  if (value.length > 200 || !/^[^\n]*\.[a-z0-9]{2,5}$/i.test(value) || value.includes("://")) return;
  throw usageError(
    `${name}: there is no readable file ${path}`,
    "give the key itself, or the path of a file with it: absolute, or relative to the project's folder",
  );
}

/** The variable alone decides from where keys are fetched. */
function urlInFile(name: string, path: string): Error {
  const variable = secretOfFile(name) ?? name;
  return usageError(`${name}: the file ${path} has a URL in it, not a key`, `set ${variable} to the URL itself`);
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
  let modifiedMs = modificationTime(path);
  let stored = read(path);
  const remember = (): void => known.remember(...Object.values(stored).flatMap((each) => Object.values(each)));
  // Another process may store one meanwhile: `webhooks create` while `listen` runs.
  const reload = (): void => {
    const nowMs = modificationTime(path);
    if (nowMs !== modifiedMs) {
      // A file that is damaged during a run does not affect the run.
      stored = orUndefined(() => read(path)) ?? stored;
      remember();
    }
    modifiedMs = nowMs;
  };
  const reloadSometimes = cachedFor(RELOAD_AFTER_MS, Date.now, reload);
  const current = (): FileContent => {
    reloadSometimes();
    return stored;
  };
  const asSecret = (value: string): Secret => secret(value, STORED_SECRETS_FILE);
  remember();
  return {
    find(product: string, credential: string): Secret | undefined {
      // What senders offer. A URL of public keys would be fetched.
      const isOffered = MULTI_LINE.every((each) => each !== credential);
      const value = isOffered ? current()[product]?.[credential] : undefined;
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

/** Makes Git ignore the folder of keys, whatever the project's own rules are. */
export function ignoreKeys(root: string): void {
  const path = join(root, KEYS_FOLDER, ".gitignore");
  rejectLinks(root, path);
  makePrivateFolder(join(root, KEYS_FOLDER));
  const isIgnored = (readText(path) ?? "").split(/\r?\n/).includes("*");
  if (!isIgnored) writeFileAtomically(path, "*\n", { mode: 0o644, keepMode: false });
}

/** Undefined without a file, and where its folder cannot be examined: writing the file reports why. */
function modificationTime(path: string): number | undefined {
  return orUndefined(() => statSync(path, { throwIfNoEntry: false })?.mtimeMs);
}

/** Secrets by product and credential. */
type FileContent = Readonly<Record<string, Readonly<Record<string, string>>>>;

function read(path: string): FileContent {
  if (modificationTime(path) === undefined) return {};
  const text = readText(path, MAX_SETTINGS_BYTES);
  if (text === undefined) return {};
  const content = z.record(z.string(), z.record(z.string(), z.string().min(1)));
  const secrets = orUndefined(() => content.parse(JSON.parse(text)));
  if (secrets !== undefined) return secrets;
  throw usageError(`${path} is damaged`, "restore it; or delete it, and set the webhooks up again");
}
