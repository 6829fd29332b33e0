import { type HeaderPair, headerValue } from "../core/delivery.ts";

const OF_THE_CONNECTION = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A header that the connection sets for itself, so that nobody else can. */
export function isOfTheConnection(name: string): boolean {
  return OF_THE_CONNECTION.has(name.toLowerCase());
}

/** The headers that are the sender's and not the connection's. */
export function endToEnd(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const ends = headers.filter(([name]) => !isOfTheConnection(name));
  if (headerValue({ headers }, "connection") === undefined) return ends;
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((each) => each.trim().toLowerCase()));
  return ends.filter(([name]) => !named.includes(name.toLowerCase()));
}
