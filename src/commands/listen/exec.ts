import { setTimeout as delay } from "node:timers/promises";
import { variableSuffix } from "../../config/secrets.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import { webhookUrl } from "../../receiver/routes.ts";
import type { ChildRun } from "../../runtime.ts";
import { errorText, usageError } from "../../util/errors.ts";
import type { ListenOptions } from "./flags.ts";

/** The program that a run is for. */
export interface Exec {
  /** Its exit code. */
  readonly ended: Promise<number>;
  /** Ends it where it is still running; resolves when it has ended. */
  stop(): Promise<void>;
}

export interface ExecUrls {
  /** Of the receiver on this machine. */
  readonly url: string;
  readonly publicUrl: string | undefined;
  /** Where the public keys are, if they are served. */
  readonly keySetUrl: string | undefined;
  /** The webhook URL of each product, on this machine. */
  readonly products: Readonly<Record<string, string>>;
}

export function execUrls(
  url: string,
  publicUrl: string | undefined,
  products: readonly Product[],
  keySetUrl: string | undefined,
): ExecUrls {
  return {
    url,
    publicUrl,
    keySetUrl,
    products: Object.fromEntries(products.map(({ id }) => [id, webhookUrl(url, id)])),
  };
}

export function refuseEmptyExec(commandLine: string | undefined): void {
  if (commandLine?.trim() === "") throw usageError("--exec is empty", "name a command line, such as --exec 'npm test'");
}

/** The exit code alone would not tell why the run has failed. */
export function reportTimeout({ report }: Context, { exec, timeout }: Pick<ListenOptions, "exec" | "timeout">): void {
  if (exec === undefined) return;
  const message = `--exec ${JSON.stringify(exec)} was still running after ${timeout}, and is stopped`;
  report({ type: "warning", message, hint: "give it more time with a longer --timeout" });
}

/** How long a program has to end by itself when it is asked to. */
const GRACE_MS = 5000;

/** Runs a command line with the URLs in its environment. With `--json` stdout stays ours alone. */
export async function startExec(context: Context, commandLine: string, urls: ExecUrls): Promise<Exec> {
  // Asked for before the program starts: from now on Ctrl-C is ours to pass on.
  const { signal } = context;
  const child = await context.startChild(commandLine, {
    cwd: context.cwd,
    env: { ...context.env, ...variables(urls) },
    stdoutTo: context.json ? "stderr" : "stdout",
  });
  const pass = (): void => child.end(false);
  signal.addEventListener("abort", pass, { once: true });
  const ended = child.ended
    .catch((error: unknown) => {
      throw usageError(`--exec ${JSON.stringify(commandLine)} could not be started: ${errorText(error)}`);
    })
    .finally(() => signal.removeEventListener("abort", pass));
  // Whoever awaits it sees the failure; until then it is nobody's unhandled rejection.
  ended.catch(() => {});
  return { ended, stop: () => stop(child) };
}

async function stop(child: ChildRun): Promise<void> {
  const patience = new AbortController();
  const over = child.ended.then(
    () => patience.abort(),
    () => patience.abort(),
  );
  child.end(false);
  await delay(GRACE_MS, undefined, { signal: patience.signal }).catch(() => {});
  child.end(true);
  await over;
}

function variables({ url, publicUrl, keySetUrl, products }: ExecUrls): Readonly<Record<string, string>> {
  return {
    ZOHO_HOOKS_URL: url,
    ...(publicUrl === undefined ? {} : { ZOHO_HOOKS_PUBLIC_URL: publicUrl }),
    ...(keySetUrl === undefined ? {} : { ZOHO_HOOKS_JWKS_URL: keySetUrl }),
    ...Object.fromEntries(Object.entries(products).map(([id, each]) => [`ZOHO_HOOKS_URL_${variableSuffix(id)}`, each])),
  };
}
