import { type Credential, isBlank, type Secret, secret } from "../delivery/secrets.ts";
import type { Context } from "../project/context.ts";
import { usageError } from "../util/errors.ts";
import { readUserFile } from "../util/files.ts";
import type { GivenSecrets } from "./secrets.ts";

export interface SecretOptions {
  readonly secretFile?: string;
  readonly tokenFile?: string;
}

export async function givenSecrets(context: Context, { secretFile, tokenFile }: SecretOptions): Promise<GivenSecrets> {
  if (secretFile === "-" && tokenFile === "-")
    throw usageError("--secret-file and --token-file cannot both read standard input", "write one of them to a file");
  const given: Partial<Record<Credential, Secret>> = {};
  if (secretFile !== undefined) given.secret = await readSecretFile(context, secretFile, "--secret-file");
  if (tokenFile !== undefined) given.token = await readSecretFile(context, tokenFile, "--token-file");
  return given;
}

/** Reads a secret from a file, or from standard input for `-`. */
export async function readSecretFile(context: Context, path: string, flag: string): Promise<Secret> {
  if (path === "") throw usageError(`${flag} names no file`, "give it a path, or - for standard input");
  const origin = path === "-" ? "standard input" : path;
  const bytes = path === "-" ? await context.stdin.read() : readUserFile(context.cwd, path);
  const value = bytes.toString("utf8").replace(/^\uFEFF|\r?\n$/g, "");
  // PowerShell may write UTF-16, and every signature would be wrong.
  if (value.includes("\0") || value.includes("\uFFFD"))
    throw usageError(`${flag}: ${origin} is not UTF-8 text`, "save it as UTF-8");
  if (isBlank(value)) throw usageError(`${flag}: ${origin} is empty`, `write the value to it, or leave ${flag} out`);
  context.knownSecrets.remember(value);
  return secret(value, origin);
}
