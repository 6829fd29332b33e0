import type { Store } from "./types.ts";

/** A store in the memory of this instance: for tests, and for an app that runs in one instance. */
export function memoryStore(): Required<Store> {
  const entries = new Map<string, { readonly value: string; readonly endsAt: number }>();
  const get = (key: string): string | undefined => {
    const entry = entries.get(key);
    return entry === undefined || entry.endsAt <= Date.now() ? undefined : entry.value;
  };
  const set = (key: string, value: string, ttl: number): void => {
    for (const [old, { endsAt }] of entries) if (endsAt <= Date.now()) entries.delete(old);
    entries.set(key, { value, endsAt: Date.now() + ttl * 1000 });
  };
  return {
    get: async (key) => get(key),
    set: async (key, value, { ttl }) => set(key, value, ttl),
    async add(key, value, { ttl }) {
      if (get(key) !== undefined) return false;
      set(key, value, ttl);
      return true;
    },
  };
}
