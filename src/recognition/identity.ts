import { createHash } from "node:crypto";
import { type Delivery, splitUrl } from "../delivery/delivery.ts";

/** Longer lists of ids are hashed: identities are keys in the log's index, and in an app's Redis. */
const MAX_IDENTITY_LENGTH = 500;

/** Joins what names an event with a hash of what its deliveries have in common. */
export function identityOf(parts: readonly string[], rest: string | Delivery | undefined): string {
  const text = parts.join(":");
  const name = text.length <= MAX_IDENTITY_LENGTH ? text : createHash("sha256").update(text).digest("hex").slice(0, 32);
  if (rest === undefined) return name;
  const hash = createHash("sha256");
  if (typeof rest === "string") hash.update(rest);
  else {
    hash.update(rest.body);
    // Custom webhooks may have everything in the URL.
    const { query } = splitUrl(rest.url);
    if (query !== "" || rest.method !== "POST") hash.update(`\n${rest.method} ?${query}`);
  }
  // 64 bits of the hash: enough for a day of one developer's events.
  return `${name}:${hash.digest("hex").slice(0, 16)}`;
}
