import { errorText } from "../../util/errors.ts";

/** Where secrets of profiles are kept. One string a profile. */
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

/** Why no keyring can be used, in words that go after "because". */
export class NoKeyring extends Error {}

const SERVICE = "zoho-hooks";
const WAIT_MS = 3_000;

/**
 * The keyring of the operating system. Every call is bounded, because a keyring without a desktop may wait for a
 * password that nobody can type. Throws `NoKeyring` for whatever keeps it from working.
 */
export function keyringVault(open: () => Promise<OpenEntry>, waitMs = WAIT_MS): Vault {
  const run = async <T>(name: string, call: (entry: KeyringEntry, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const signal = AbortSignal.timeout(waitMs);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new NoKeyring(`it did not answer within ${waitMs / 1000} s`)));
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
        // Some services accept a secret and keep none: what cannot be read back is not stored.
        if ((await entry.getPassword(signal)) !== value) throw new NoKeyring("it did not keep what was written");
      }),
    remove: (name) =>
      run(name, async (entry, signal) => {
        await entry.deletePassword(signal);
        if ((await entry.getPassword(signal)) !== null) throw new NoKeyring("it did not delete the entry");
      }),
  };
}

/** "Platform failure: DBus error: …" of the library says no more to whoever has no desktop. */
function shortReason(text: string): string {
  return /d-?bus|freedesktop|secret service/i.test(text)
    ? "no Secret Service runs here"
    : (text.split("\n", 1)[0] ?? text);
}

/**
 * Opens the system's keyring. It is an optional dependency, loaded on first use. On Linux only the Secret Service will
 * do: the kernel's keyring, to which the library would fall back, forgets everything at the next start.
 */
export async function systemKeyring(): Promise<OpenEntry> {
  try {
    const { AsyncEntry } = await import("@napi-rs/keyring");
    return (service, name) => new AsyncEntry(service, name, { linux: { store: "secret-service" } });
  } catch (error) {
    throw new NoKeyring(`its library cannot be loaded (${errorText(error).split("\n", 1)[0]})`);
  }
}
