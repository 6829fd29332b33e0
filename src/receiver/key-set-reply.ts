import type { Reply } from "../core/product.ts";
import { plainReply, refuse } from "../core/reply.ts";

/** The answer to whoever asks for the public keys. Not to be cached: a key that is made anew counts at once. */
export function keySetReply(method: string | undefined, keySet: string | undefined): Reply {
  if (keySet === undefined) return plainReply(404, "no key set is served here: start with --serve-jwks");
  if (method !== "GET" && method !== "HEAD") {
    return { ...refuse(405, "a key set can only be read").reply, headers: [["allow", "GET, HEAD"]] };
  }
  return { status: 200, contentType: "application/json", headers: [["cache-control", "no-cache"]], body: keySet };
}
