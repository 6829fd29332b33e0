import { readFileSync, writeFileSync } from "node:fs";

const PAGE_BYTES = 8192;

/** Overwrites the pages of a log's file that hold a text, as a failing disk does. */
export function damagePages(path: string, text: string): void {
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += PAGE_BYTES) {
    const page = whole.subarray(at, at + PAGE_BYTES);
    if (page.includes(text)) page.fill(0xa5);
  }
  writeFileSync(path, whole);
}
