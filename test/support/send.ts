import { createHmac } from "node:crypto";
import { afterEach } from "vitest";
import { type RunOptions, type RunResult, run } from "./run.ts";
import { type Answer, startTarget, type Target, type TargetOptions } from "./target.ts";

export const SECRET = "s3cr3t-of-the-tests";
export const TOKEN = "t0ken-of-the-tests";
export const env = { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN };

const closing: { close(): Promise<void> }[] = [];

/** Closes what the tests of a file have opened, after each of them. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const each of closing.splice(0).reverse()) await each.close();
  });
}

export function closeLater<Closable extends { close(): Promise<void> }>(opened: Closable): Closable {
  closing.push(opened);
  return opened;
}

export async function target(answer?: Answer, options?: TargetOptions): Promise<Target> {
  return closeLater(await startTarget(answer, options));
}

/** A command line of one line, with the port of an app in the place of PORT. */
export function send(line: string, app: { readonly port: number }, options: RunOptions = {}): Promise<RunResult> {
  const words = line.split(" ").map((word) => word.replace("PORT", String(app.port)));
  return run(["send", ...words], { env, ...options });
}

export function hmac(body: Buffer | string | undefined, secret = SECRET): string {
  return createHmac("sha256", secret)
    .update(body ?? "")
    .digest("hex");
}
