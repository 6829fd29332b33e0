import { errorText } from "../util/errors.ts";

/** Stores the secrets of profiles, one string each. */
export interface Vault {
  read(name: string): Promise<string | undefined>;
  write(name: string, value: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** The part of `@napi-rs/keyring` that is used. */
export interface KeyringEntry {
  getPassword(signal?: AbortSignal): Promise<string | null>;
  setPassword(password: string, signal?: AbortSignal): Promise<void>;
  deletePassword(signal?: AbortSignal): Promise<boolean>;
}

export type OpenEntry = (service: string, name: string) => KeyringEntry;

/** The keyring cannot be used. The message completes "because …". */
export class NoKeyring extends Error {}

const SERVICE = "zoho-hooks";
const TIMEOUT_MS = 3_000;

/**
 * The keyring of the operating system. Calls time out, because without a desktop it may wait for a password that nobody
 * can type. Throws `NoKeyring` for any failure.
 */
export function keyringVault(open: () => Promise<OpenEntry>, timeoutMs = TIMEOUT_MS): Vault {
  const run = async <T>(name: string, call: (entry: KeyringEntry, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new NoKeyring(`it did not answer within ${timeoutMs / 1000} s`)));
    });
    const work = (async () => call((await open())(SERVICE, name), signal))();
    try {
      return await Promise.race([work, late]);
    } catch (error) {
      throw error instanceof NoKeyring ? error : new NoKeyring(shortReason(errorText(error)));
    }
  };
  return {
    read: (name) => run(name, async (entry, signal) => (await entry.getPassword(signal)) ?? undefined),
    write: (name, value) =>
      run(name, async (entry, signal) => {
        await entry.setPassword(value, signal);
        // Some services accept a secret without storing it.
        if ((await entry.getPassword(signal)) !== value) throw new NoKeyring("it did not store what was written");
      }),
    remove: (name) =>
      run(name, async (entry, signal) => {
        await entry.deletePassword(signal);
        if ((await entry.getPassword(signal)) !== null) throw new NoKeyring("it did not delete the entry");
      }),
  };
}

/** The library says "Platform failure: DBus error: …" on a machine without a desktop. */
function shortReason(text: string): string {
  return /d-?bus|freedesktop|secret service/i.test(text)
    ? "no Secret Service is running"
    : (text.split("\n", 1)[0] ?? text);
}

/**
 * Loads the optional dependency. On Linux only the Secret Service is used: the kernel's keyring, which the library would
 * fall back to, is empty after a restart.
 */
export async function systemKeyring(): Promise<OpenEntry> {
  try {
    const { AsyncEntry } = await import("@napi-rs/keyring");
    return (service, name) => new AsyncEntry(service, name, { linux: { store: "secret-service" } });
  } catch (error) {
    throw new NoKeyring(`its library cannot be loaded (${errorText(error).split("\n", 1)[0]})`);
  }
}
