import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { usageError } from "../util/errors.ts";
import type { Secret } from "./secrets.ts";

/**
 * RSA public keys as Zoho's screens show them: one or more in PEM, or the bare base64 of one without its first and
 * last line. Throws a usage error that names where the key came from, never the key.
 */
export function readPublicKeys(key: Secret): readonly KeyObject[] {
  const text = withLines(key);
  const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [asPem(text)];
  return blocks.map((block) => requireRsa(key, "public", () => createPublicKey(block)));
}

export function readPrivateKey(key: Secret): KeyObject {
  return requireRsa(key, "private", () => createPrivateKey(withLines(key)));
}

/** In a variable of one line, line ends are commonly written as `\\n`, which no key contains. */
function withLines(key: Secret): string {
  return key.reveal().replaceAll("\\n", "\n");
}

function asPem(text: string): string {
  const bare = text.replace(/\s+/g, "");
  if (text.includes("-----BEGIN") || !/^[A-Za-z0-9+/]+=*$/.test(bare)) return text;
  return `-----BEGIN PUBLIC KEY-----\n${bare.replace(/.{64}/g, "$&\n")}\n-----END PUBLIC KEY-----\n`;
}

function requireRsa(key: Secret, half: "public" | "private", parse: () => KeyObject): KeyObject {
  let parsed: KeyObject | undefined;
  try {
    parsed = parse();
  } catch {
    // OpenSSL's message helps nobody, and may quote the key.
  }
  if (parsed?.asymmetricKeyType === "rsa") return parsed;
  throw usageError(
    `${key.origin} is not an RSA ${half} key`,
    `set it to the key as PEM (-----BEGIN ${half.toUpperCase()} KEY-----), or to the path of a file that holds it`,
  );
}
