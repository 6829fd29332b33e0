import type { Store } from "./connect/types.ts";

/**
 * A store for `connectZoho` in a file that only this user may read, for an app whose processes share a disk. The folder is
 * created with the first write. Rejects if the file cannot be read or written.
 */
export function fileStore(path: string): Required<Store> {
  if (typeof path !== "string" || path === "") throw new TypeError("fileStore needs the path of a file");
  // Loaded with the first call, since few apps have such a store.
  const entries = () => import("./file-entries.ts");
  return {
    get: async (key) => (await entries()).readEntry(path, key),
    set: async (key, value, { ttl }) => (await entries()).writeEntry(path, key, { value, ttl }),
    add: async (key, value, { ttl }) => (await entries()).writeEntry(path, key, { value, ttl, onlyNew: true }),
  };
}
