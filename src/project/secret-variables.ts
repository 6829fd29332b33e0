import { CREDENTIAL_VARIABLES, isBlank, type KnownSecrets, type Secret, secret } from "../delivery/secrets.ts";
import type { Runtime } from "../process/runtime.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { readRegularFile } from "../util/files.ts";
import { ENV_FILE } from "./environment.ts";
import { type Env, STORE_KEY, variableOf } from "./variables.ts";

/** At the end of the name of a secret's variable: it holds the path of a file with the secret, as in a container. */
export const FILE_SUFFIX = "_FILE";

/** `ZOHO_WEBHOOK_SECRET` for `ZOHO_WEBHOOK_SECRET_FILE`; undefined for a variable that names no file with a secret. */
export function secretOfFile(name: string): string | undefined {
  if (!name.endsWith(FILE_SUFFIX)) return undefined;
  const base = name.slice(0, -FILE_SUFFIX.length);
  return isSecret(base) ? base : undefined;
}

function isSecret(name: string): boolean {
  if (variableOf(name)?.isSecret === true || name === STORE_KEY) return true;
  return Object.values(CREDENTIAL_VARIABLES).some((each) => name === each || name.startsWith(`${each}_`));
}

/** The environment, and the variables of a `.env` that it does not set in either form. */
export function mergeVariables(ofFile: Env, environment: Env): Env {
  const isSet = (name: string): boolean => environment[name as keyof Env] !== undefined;
  const others = Object.entries(ofFile).filter(([name]) => !isSet(secretOfFile(name) ?? name + FILE_SUFFIX));
  return { ...Object.fromEntries(others), ...environment };
}

/** A private key has 2 to 4 kB, a key set some keys. */
export const MAX_SECRET_FILE_BYTES = 64 * 1024;

/**
 * The secret in a variable, or in the file that the variable with `_FILE` names by an absolute path. Undefined if neither is
 * set. Throws a usage error if both are, and for one that is empty or cannot be read.
 */
export function readSecretVariable(env: Env, name: string): Secret | undefined {
  const value = env[name as keyof Env];
  const fileName = name + FILE_SUFFIX;
  const path = env[fileName as keyof Env];
  if (value !== undefined && path !== undefined)
    throw usageError(`${name} and ${fileName} are both set`, "unset one of them");
  if (path !== undefined) return secret(textOf(notEmpty(path, fileName), fileName), fileName);
  return value === undefined ? undefined : secret(notEmpty(value, name), name);
}

function notEmpty(value: string, name: string): string {
  if (!isBlank(value)) return value;
  throw usageError(`${name} is set but empty`, `give it a value, or remove it from the environment and ${ENV_FILE}`);
}

function textOf(path: string, name: string): string {
  try {
    return secretText(readRegularFile(path, MAX_SECRET_FILE_BYTES), name, path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw usageError(
      `${name}: the file cannot be read: ${errorText(error)}`,
      "give an absolute path, or one relative to the project's folder",
    );
  }
}

/** The key that encrypts the secrets that receivers share in a log; empty if none is set. */
export function storeKeyOf({ env }: { readonly env: Env }): string {
  return readSecretVariable(env, STORE_KEY)?.reveal() ?? "";
}

/** Reads the secret of a flag from standard input. */
export async function readSecretInput(
  { stdin, knownSecrets }: Pick<Runtime, "stdin"> & { readonly knownSecrets: KnownSecrets },
  flag: string,
): Promise<Secret> {
  const origin = "standard input";
  const value = secretText(await stdin.read(), flag, origin);
  knownSecrets.remember(value);
  return secret(value, origin);
}

/** The text of a file with a secret, without the line end that editors add. Throws a usage error where there is none. */
function secretText(bytes: Buffer, name: string, origin: string): string {
  const text = bytes.toString("utf8").replace(/^\uFEFF|\r?\n$/g, "");
  // PowerShell may write UTF-16, and every signature would be wrong.
  if (text.includes("\0") || text.includes("\uFFFD"))
    throw usageError(`${name}: ${origin} is not UTF-8 text`, "save it as UTF-8");
  if (isBlank(text)) throw usageError(`${name}: ${origin} is empty`, `write the value to it, or leave ${name} out`);
  return text;
}
