import { existsSync, readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { SECURITY_HEADERS } from "./security.ts";

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/app.css": ["app.css", "text/css; charset=utf-8"],
};

const NOT_BUILT = {
  type: "text/plain; charset=utf-8",
  bytes: Buffer.from("The page is not built: run npm run build.\n"),
};

/** Files of a page, by path. Read once: nothing that a request names is ever opened. */
export function readPage(folder: string): ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }> {
  const entries = Object.entries(FILES).map(([path, [file, type]]) => {
    const place = join(folder, file);
    return [path, existsSync(place) ? { type, bytes: readFileSync(place) } : NOT_BUILT] as const;
  });
  return new Map(entries);
}

export function sendBytes(response: ServerResponse, status: number, type: string, bytes: Buffer): void {
  response.writeHead(status, { ...SECURITY_HEADERS, "content-type": type, "content-length": bytes.length });
  response.end(bytes);
}
