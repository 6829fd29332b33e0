import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { UserError } from "../../util/errors.ts";
import type { SharedSecrets } from "../log.ts";
import { textOf } from "../rows.ts";
import type { Database } from "./connect.ts";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

const deriveKey = promisify<string, string, number, Buffer>(scrypt);

/**
 * Secrets that several receivers share, encrypted with a key from the environment that the database never sees. The name of
 * each is authenticated with it, so that none can be put in the place of another.
 */
export function createSharedSecrets(database: Database, storeKey: string | undefined): SharedSecrets {
  let key: Promise<Buffer> | undefined;

  function requireKey(): Promise<Buffer> {
    if (storeKey === undefined || storeKey === "")
      throw new UserError(
        "usage",
        `the secrets that receivers share in the event log ${database.path} are encrypted, and ZOHO_HOOKS_STORE_KEY is not set`,
        "set it to the same long random text in the environment of every receiver, such as that of `openssl rand -base64 32`",
        "log-key",
      );
    key ??= readSalt(database).then((salt) => deriveKey(storeKey, salt, 32));
    key.catch(() => {
      key = undefined;
    });
    return key;
  }

  return {
    isUsed: async () => (await database.read("SELECT 1 FROM secrets LIMIT 1")).length > 0,
    async all() {
      const secret = await requireKey();
      const rows = await database.read("SELECT name, value FROM secrets");
      return new Map(
        rows.map((row) => {
          const name = textOf(row, "name");
          return [name, decrypt(secret, name, Buffer.from(row.value as Uint8Array))];
        }),
      );
    },
    async set(name, value) {
      const sql = `INSERT INTO secrets (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
      await database.query("durable", sql, [name, encrypt(await requireKey(), name, value)]);
    },
  };

  function decrypt(secret: Buffer, name: string, sealed: Buffer): string {
    try {
      const decipher = createDecipheriv(CIPHER, secret, sealed.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(name));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const text = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString();
    } catch {
      throw new UserError(
        "usage",
        `the shared secret ${name} in the event log ${database.path} cannot be decrypted with ZOHO_HOOKS_STORE_KEY`,
        "give every receiver the same key; if it is lost, delete the rows of the table secrets, and set the webhooks up again",
        "log-key",
      );
    }
  }
}

function encrypt(secret: Buffer, name: string, value: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, secret, iv).setAAD(Buffer.from(name));
  const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]);
}

/** Salt of the log's encryption key, created on first use. */
async function readSalt(database: Database): Promise<string> {
  const [known] = await database.read("SELECT value FROM meta WHERE name = 'salt'");
  const [found = {}] =
    known === undefined
      ? await database.query(
          "durable",
          `INSERT INTO meta (name, value) VALUES ('salt', ?) ON CONFLICT (name) DO UPDATE SET value = meta.value RETURNING value`,
          [randomBytes(16).toString("hex")],
        )
      : [known];
  return textOf(found, "value");
}
