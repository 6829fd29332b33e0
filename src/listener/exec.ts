import { setTimeout as delay } from "node:timers/promises";
import { productNames } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import type { ChildRun } from "../process/runtime.ts";
import { apiAt } from "../project/inspector-access.ts";
import { variableSuffix } from "../project/secrets.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { errorText, usageError } from "../util/errors.ts";
import type { ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";

/** The program of `--exec`. The run ends with it. */
export interface ExecPart extends Part {
  /** Its exit code. */
  readonly ended: Promise<number>;
}

interface ExecUrls {
  /** The URL of the receiver on this machine. */
  readonly url: string;
  readonly publicUrl: string | undefined;
  /** URL of the public keys, if they are served. */
  readonly keySetUrl: string | undefined;
  /** Address of the inspector, if it runs. */
  readonly inspectorUrl: string | undefined;
  readonly products: readonly Product[];
  /** The setting. */
  readonly paths: readonly string[];
}

/** Runs a command line with the URLs in its environment. With `--json` stdout stays ours alone. */
export async function startExec(context: ListenContext, commandLine: string, urls: ExecUrls): Promise<ExecPart> {
  // Read before the program starts: from here on Ctrl-C reaches us, and we pass it on.
  const { signal } = context;
  const child = await context.startChild(commandLine, {
    cwd: context.cwd,
    env: { ...context.env, ...variables(urls) },
    stdoutTo: context.json ? "stderr" : "stdout",
  });
  const passOn = (): void => child.end(false);
  signal.addEventListener("abort", passOn, { once: true });
  const ended = child.ended
    .catch((error: unknown) => {
      throw usageError(`--exec ${JSON.stringify(commandLine)} could not be started: ${errorText(error)}`);
    })
    .finally(() => signal.removeEventListener("abort", passOn));
  // Whoever awaits it sees the failure; until then it must not count as unhandled.
  ended.catch(() => {});
  return { name: "the program of --exec", ended, stop: () => stopChild(child) };
}

/** Names of no setting: a zoho-hooks that the program runs would take a project's tunnel for the user's. */
function variables({
  url,
  publicUrl,
  keySetUrl,
  inspectorUrl,
  products,
  paths,
}: ExecUrls): Readonly<Record<string, string>> {
  const api = inspectorUrl === undefined ? undefined : apiAt(inspectorUrl);
  return {
    ZOHO_HOOKS_URL: url,
    ...(publicUrl === undefined ? {} : { ZOHO_HOOKS_TUNNEL_URL: publicUrl }),
    ...(keySetUrl === undefined ? {} : { ZOHO_HOOKS_JWKS_URL: keySetUrl }),
    ...(api === undefined ? {} : { ZOHO_HOOKS_API_URL: api.url, ZOHO_HOOKS_API_TOKEN: api.token }),
    ...Object.fromEntries(
      products.flatMap(({ id }) =>
        productNames(id).map((name) => [`ZOHO_HOOKS_URL_${variableSuffix(name)}`, webhookUrl(url, id, paths)]),
      ),
    ),
  };
}

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

async function stopChild(child: ChildRun): Promise<void> {
  const grace = new AbortController();
  const over = child.ended.then(
    () => grace.abort(),
    () => grace.abort(),
  );
  child.end(false);
  await delay(GRACE_MS, undefined, { signal: grace.signal }).catch(() => {});
  child.end(true);
  await over;
}
