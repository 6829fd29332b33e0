import { UserError } from "../util/errors.ts";

/** How long the last successful write shows that the log works. */
const FRESH_MS = 2000;
/** Health checks of a proxy or of Docker do not wait much longer. */
const PROBE_TIMEOUT_MS = 1000;

interface ReadinessOptions {
  /** Path of the log, for messages. */
  readonly path: string;
  /** When a durable write last succeeded, by `performance.now()`; -Infinity if the last one failed. */
  provenAt(): number;
  /** Fails where an append would, and leaves nothing. Its success counts for `provenAt`. */
  probe(): Promise<unknown>;
}

/** Returns `checkReady` of a log. Callers at the same time share a probe, which may take longer than any of them waits. */
export function createReadinessCheck({ path, provenAt, probe }: ReadinessOptions): () => Promise<void> {
  let probing: Promise<unknown> | undefined;
  return async () => {
    if (performance.now() - provenAt() < FRESH_MS) return;
    probing ??= probe().finally(() => {
      probing = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((_, reject) => {
      timer = setTimeout(() => reject(timeoutError(path, PROBE_TIMEOUT_MS)), PROBE_TIMEOUT_MS);
    });
    await Promise.race([probing, timeout]).finally(() => clearTimeout(timer));
  };
}

export function timeoutError(path: string, ms: number): UserError {
  const message = `the event log ${path} did not answer within ${ms / 1000} s`;
  const hint = "see whether its disk or its server hangs or is overloaded, and what holds it locked";
  return new UserError("usage", message, hint, "log-locked");
}
