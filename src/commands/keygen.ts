import { createPublicKey, generateKeyPair } from "node:crypto";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import type { Context } from "../project/context.ts";
import { readProject } from "../project/project.ts";
import { ignoreKeys, KEYS_FOLDER } from "../project/secrets.ts";
import { trustOwn } from "../project/trust.ts";
import { writeKeySet } from "../signatures/keys.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, errorText, usageError } from "../util/errors.ts";
import { makeFolder } from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import type { Define } from "./command.ts";

/** A key pair of your own. @printedBy keygen */
export interface KeyPairLine {
  readonly type: "key_pair";
  readonly private_key_file: string;
  readonly public_key_file: string;
  /** As PEM. */
  readonly public_key: string;
  readonly jwks_file: string;
}

export const define: Define = (command, act) => {
  command
    .option("--out <folder>", `the folder to write the files to (default: ${KEYS_FOLDER} in the project)`)
    .addHelpText(
      "before",
      examples("zoho-hooks keygen", "ZOHO_WEBHOOK_PRIVATE_KEY=.zoho-hooks/keys/private.pem zoho-hooks send cliq --all"),
    )
    .addHelpText("after", HELP)
    .action(act(keygen));
};

const HELP = `
Some Zoho products sign with a private key that only Zoho has. To send samples that your app accepts, sign them with a key
of your own, and give your app its public key instead of Zoho's.

Writes private.pem, which only you can read, and the public key twice: as public.pem, which is also printed, and as
jwks.json, a key set that verifies Desk's tokens. Existing keys are never overwritten. If your app fetches Desk's keys from
a URL, zoho-hooks listen serves yours once ZOHO_WEBHOOK_PRIVATE_KEY is set.`;

/** Bits, as in Zoho's samples. */
const MODULUS_LENGTH = 2048;

async function keygen(context: Context, { out }: { readonly out?: string }): Promise<ExitCode> {
  const { root } = readProject(context);
  if (out === "") throw usageError("--out names no folder", "leave it out for .zoho-hooks/keys in the project");
  const folder = out === undefined ? join(root, KEYS_FOLDER) : resolve(context.cwd, out);
  const files = ["private.pem", "public.pem", "jwks.json"].map((name) => join(folder, name));
  const [privateFile = "", publicFile = "", setFile = ""] = files;
  if (out === undefined) rejectLinks(root, join(folder, ".gitignore"));
  for (const file of files) {
    if (out === undefined) rejectLinks(root, file);
    if (existsSync(file))
      throw usageError(`${file} already exists, and keys are never overwritten`, "choose another folder with --out");
  }
  const { privateKey, publicKey } = await context.waiting("Making a key pair", () =>
    promisify(generateKeyPair)("rsa", {
      modulusLength: MODULUS_LENGTH,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    }),
  );
  const keySet = writeKeySet(createPublicKey(publicKey));
  try {
    // .gitignore before the key.
    if (out === undefined) {
      await trustOwn(context, folder);
      ignoreKeys(root);
    } else makeFolder(folder);
    // "wx": never overwrite a key, even one that was written since the check above.
    writeFileSync(privateFile, privateKey, { mode: 0o600, flag: "wx" });
    // Not every file system applies `mode`.
    chmodSync(privateFile, 0o600);
    writeFileSync(publicFile, publicKey, { mode: 0o644, flag: "wx" });
    writeFileSync(setFile, `${keySet}\n`, { mode: 0o644, flag: "wx" });
  } catch (error) {
    throw usageError(`the key pair cannot be written to ${folder}: ${errorText(error)}`);
  }
  const notice = (message: string): void => context.report({ type: "notice", message });
  const shownPath = (file: string): string => relative(context.cwd, file) || file;
  if (out !== undefined)
    notice(`${shownPath(privateFile)} is a secret: keep it out of Git (only ${KEYS_FOLDER} is ignored automatically)`);
  const json: KeyPairLine = {
    type: "key_pair",
    private_key_file: shownPath(privateFile),
    public_key_file: shownPath(publicFile),
    public_key: publicKey,
    jwks_file: shownPath(setFile),
  };
  context.report({ type: "text", text: publicKey, json });
  // Paths in variables are relative to the project's folder.
  const [toSend, toVerify, forDesk] = files.map((file) => relative(root, file));
  notice(`to sign with it: ${CREDENTIAL_VARIABLES.privateKey}=${toSend}`);
  notice(`to verify with it: ${CREDENTIAL_VARIABLES.publicKey}=${toVerify}`);
  notice(`to verify Desk with it: ${CREDENTIAL_VARIABLES.jwks}=${forDesk}`);
  return ExitCode.ok;
}
