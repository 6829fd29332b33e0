import type { Transport } from "../../zoho-api/retrying-http.ts";

const MAX_CHARACTERS = 20 * 1024 * 1024;

/** Sends requests by a `fetch`. */
export function fetchTransport(send: typeof fetch = (...parameters) => fetch(...parameters)): Transport {
  return {
    async send({ url, ...init }) {
      // Next may cache a GET without this: an old list, and an old time of Zoho's. workerd of 2023 throws for an option it lacks.
      const cache = "cache" in Request.prototype ? { cache: "no-store" as const } : {};
      const reply = await send(url, { ...init, ...cache, redirect: "manual" });
      return {
        status: reply.status,
        header: (name) => reply.headers.get(name),
        async text() {
          const text = await reply.text();
          if (text.length > MAX_CHARACTERS) throw new Error(`the answer is longer than ${MAX_CHARACTERS} characters`);
          return text;
        },
      };
    },
  };
}
