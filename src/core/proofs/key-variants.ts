import type { Secret } from "../secret.ts";

/** A key that the signer may have used in place of a configured secret. */
export interface KeyVariant {
  /** `as-is` for a configured secret itself. */
  readonly id: string;
  readonly key: Buffer;
  readonly meaning: string;
  readonly remedy: string;
}

/** The configured secrets as they are, then each as it is commonly mistaken, then the secrets of anything else. */
export function keyVariants(configured: readonly Secret[], others: readonly Secret[]): readonly KeyVariant[] {
  const found: KeyVariant[] = [];
  const seen = new Set<string>();
  const add = (id: string, key: Buffer | string, meaning: string, remedy: string): void => {
    const bytes = Buffer.from(key);
    const mark = bytes.toString("latin1");
    if (bytes.length === 0 || seen.has(mark)) return;
    seen.add(mark);
    found.push({ id, key: bytes, meaning, remedy });
  };
  for (const secret of configured) add("as-is", secret.reveal(), "", "");
  for (const secret of configured) {
    const { origin } = secret;
    const value = secret.reveal();
    const clean = `remove what is around the value of ${origin}`;
    const both = "give both sides the secret without white space around it";
    add("secret-trimmed", value.trim(), `${origin} has white space around it that the signer does not use`, clean);
    add("secret-unquoted", unquoted(value), `${origin} is in quotes that the signer does not use`, clean);
    for (const end of ["\n", "\r\n", " "]) {
      add(
        "secret-space",
        `${value}${end}`,
        `the signer's secret has white space at its end that ${origin} does not have`,
        both,
      );
    }
    add("secret-space", ` ${value}`, `the signer's secret has a space at its start that ${origin} does not have`, both);
    const unquote = "give both sides the secret without quotes: docker --env-file, for example, makes them part of it";
    for (const quote of ['"', "'"]) {
      add("secret-quoted", `${quote}${value}${quote}`, `the signer's secret is ${origin} in quotes`, unquote);
    }
    const encoded = "give both sides the secret in the same encoding";
    add("secret-base64", fromBase64(value), `the signer uses ${origin} decoded from base64`, encoded);
    add("secret-hex", fromHex(value), `the signer uses ${origin} decoded from hex`, encoded);
    const lower = value.toLowerCase();
    add("secret-case", lower, `the signer's secret is ${origin} in lower case`, `write ${origin} in lower case`);
  }
  for (const secret of others) {
    const { origin } = secret;
    const use = `use ${origin} for this product, or sign with the secret that is configured for it`;
    add("other-secret", secret.reveal(), `it was signed with ${origin}, which is configured for something else`, use);
    const trimmed = `it was signed with ${origin} without the white space around it, which is configured for something else`;
    add("other-secret+secret-trimmed", secret.reveal().trim(), trimmed, use);
  }
  return found;
}

function unquoted(value: string): string {
  return value.trim().replace(/^(["'])(.*)\1$/s, "$2");
}

function fromBase64(value: string): Buffer {
  return /^[A-Za-z0-9+/_-]{8,}={0,2}$/.test(value) ? Buffer.from(value, "base64") : Buffer.alloc(0);
}

function fromHex(value: string): Buffer {
  return /^(?:[0-9a-f]{2}){4,}$/i.test(value) ? Buffer.from(value, "hex") : Buffer.alloc(0);
}
