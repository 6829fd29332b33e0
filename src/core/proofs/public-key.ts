import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { usageError } from "../errors.ts";
import type { Secret } from "../secret.ts";

/**
 * RSA public keys as Zoho's screens show them: one or more in PEM, or the bare base64 of one without its first and
 * last line. Throws a usage error that names where the key came from, never the key.
 */
export function readPublicKeys(key: Secret): readonly KeyObject[] {
  const text = withLines(key);
  const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [asPem(text)];
  return blocks.map((block) => read(key, "public", () => createPublicKey(block)));
}

export function readPrivateKey(key: Secret): KeyObject {
  return read(key, "private", () => createPrivateKey(withLines(key)));
}

/** Where a variable can hold one line only, the ends of lines are commonly written as `\\n`, which no key has in it. */
function withLines(key: Secret): string {
  return key.reveal().replaceAll("\\n", "\n");
}

function asPem(text: string): string {
  const bare = text.replace(/\s+/g, "");
  if (text.includes("-----BEGIN") || !/^[A-Za-z0-9+/]+=*$/.test(bare)) return text;
  return `-----BEGIN PUBLIC KEY-----\n${bare.replace(/.{64}/g, "$&\n")}\n-----END PUBLIC KEY-----\n`;
}

function read(key: Secret, what: "public" | "private", parse: () => KeyObject): KeyObject {
  let parsed: KeyObject | undefined;
  try {
    parsed = parse();
  } catch {
    // What OpenSSL says of a wrong key helps nobody, and may quote it.
  }
  if (parsed?.asymmetricKeyType === "rsa") return parsed;
  throw usageError(
    `${key.origin} is not an RSA ${what} key`,
    `set it to the key as PEM (-----BEGIN ${what === "public" ? "PUBLIC" : "PRIVATE"} KEY-----), or to the name of a file with it`,
  );
}
