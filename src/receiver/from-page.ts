import type { HeaderPair } from "../core/delivery.ts";

export const PAGE_REASON =
  "a page in a browser posted this, and Zoho's servers are no browsers: to try something out use zoho-hooks send, or curl";

/**
 * Whether a page has made a browser send a request. Any page may post to this machine, and one whose name leads here by
 * then (DNS rebinding) with any header. A browser says so: with `Sec-Fetch-Site` to `localhost`, where `none` is a person
 * who has typed the address, and with `Origin` in whatever it posts, to other names too. No page can leave them out.
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header https://fetch.spec.whatwg.org/#origin-header
 */
export function isFromPage(headers: readonly HeaderPair[]): boolean {
  // On the way of every event: most names differ in length already.
  for (const [name, value] of headers) {
    if (name.length === 6 && name.toLowerCase() === "origin") return true;
    if (name.length === 14 && name.toLowerCase() === "sec-fetch-site" && value !== "none") return true;
  }
  return false;
}
