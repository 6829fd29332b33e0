import type { Dispatcher } from "undici";
import { errorText } from "../core/errors.ts";
import { withTimeLimit } from "../core/time-limit.ts";
import { connectionPool } from "./connection-pool.ts";

const TIMEOUT_MS = 10_000;
const LONGEST_BODY = 1024 * 1024;

/** The text at an address of public keys. Follows no redirect; throws an `Error` that says what came instead. */
export async function fetchKeySet(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const pool = await connectionPool(env, timeoutMs);
  try {
    return await withTimeLimit(timeoutMs, [signal], (limited) => fetchText(pool, new URL(address), limited));
  } catch (error) {
    throw new Error(signal.aborted ? "it was interrupted" : errorText(error), { cause: error });
  } finally {
    await pool.destroy();
  }
}

async function fetchText(pool: Dispatcher, url: URL, signal: AbortSignal): Promise<string> {
  const response = await pool.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: "GET",
    headers: { accept: "application/json" },
    signal,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > LONGEST_BODY) throw new Error("the answer is larger than any key set");
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
  return Buffer.concat(chunks).toString("utf8");
}
