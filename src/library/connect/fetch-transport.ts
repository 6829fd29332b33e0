import type { Transport } from "../../zoho-api/retrying-http.ts";

const MAX_BYTES = 20 * 1024 * 1024;

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
        text: () => readText(reply),
      };
    },
  };
}

/** Never has much more than the limit in memory. */
async function readText({ headers, body }: Response): Promise<string> {
  // Not by async iteration, which some runtimes lack.
  const reader = body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let read = 0;
  while (Math.max(read, Number(headers.get("content-length")) || 0) <= MAX_BYTES) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    read += value.length;
    text += decoder.decode(value, { stream: true });
  }
  // Not awaited: it may never end, and its outcome does not matter.
  reader.cancel().catch(() => undefined);
  throw new Error(`the answer is longer than ${MAX_BYTES} bytes`);
}
