import { type HeaderPair, headerValue } from "../core/delivery.ts";

export const PREVIEW_BYTES = 500;
const MOST_DECODED = 1_048_576;

/** How an answer was compressed; undefined where it was not. */
export function codingOf(headers: readonly HeaderPair[]): string | undefined {
  const coding = headerValue({ headers }, "content-encoding")?.trim().toLowerCase();
  return coding === "identity" ? undefined : coding;
}

/** The start of an answer as text, cut at a whole character. */
export function previewOf(bytes: Buffer, complete: boolean): string {
  if (bytes.length === 0) return "";
  const start = bytes.subarray(0, PREVIEW_BYTES);
  // A streaming decoder holds back the bytes of a character that is not there as a whole.
  return new TextDecoder().decode(start, { stream: !complete || start.length < bytes.length });
}

/** The same of what an app's compression has made of its answer: as much of it as the first bytes tell, undefined where they tell nothing. */
export async function decodedPreview(bytes: Buffer, coding: string): Promise<string | undefined> {
  if (bytes.length === 0) return "";
  const { brotliDecompressSync, constants, unzipSync } = await import("node:zlib");
  const start = bytes.subarray(0, PREVIEW_BYTES);
  try {
    // What is cut off is no error, and what would grow without end is one.
    const decoded =
      coding === "br"
        ? brotliDecompressSync(start, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: MOST_DECODED })
        : unzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_DECODED });
    return previewOf(decoded, false);
  } catch {
    return undefined;
  }
}
