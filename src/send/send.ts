import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { KEY_SET_PATH } from "../delivery/paths.ts";
import { runningAddress } from "../events/running-listener.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { openServer, sendReply } from "../receiver/http-server.ts";
import { keySetReply } from "../receiver/routes.ts";
import { plainReply } from "../recognition/reply.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { localKeySet } from "../zoho-api/key-sets.ts";
import { addedWarner } from "./added-members.ts";
import { deliver } from "./deliver.ts";
import { requireFaults } from "./faults.ts";
import { requestReport } from "./outgoing.ts";
import { goesToListener, readPlan, type SendFlags, type SendPlan } from "./plan.ts";
import { sampleDeliveries } from "./sample-deliveries.ts";
import { readSources, type Source } from "./sources.ts";

export async function send(
  context: Context,
  product: string | undefined,
  event: string | undefined,
  options: SendFlags,
): Promise<ExitCode> {
  const plan = readPlan(product, event, options);
  const configured = loadConfig(context, { needsSecrets: true });
  await rememberChannelTokens(context, configured);
  const config = await atRunningListener(context, plan, configured);
  const sources = requireFaults(plan, await readSources(context, plan, config));
  const warnOfAdded = addedWarner(context, plan);
  for (const { body } of sources) warnOfAdded(body);
  if (plan.dryRun || plan.curl) return showRequests(context, plan, config, sources);
  const work = () => deliver(context, plan, config, sources);
  if (plan.serveJwksPort === undefined) return work();
  const keySet = localKeySet(config.secrets, [...new Set(sources.map(({ product }) => product))]);
  return whileServingKeys(context, { port: plan.serveJwksPort, keySet }, work);
}

/**
 * Without a target, the settings get the address of the `listen` that runs in this project, whose port may differ. Never its
 * public URL: a sample does not leave this machine unasked.
 */
async function atRunningListener(context: Context, plan: SendPlan, config: Config): Promise<Config> {
  if (!goesToListener(plan)) return config;
  const running = await runningAddress(context, config);
  if (running === undefined) return config;
  context.report({ type: "notice", message: `sending to this project's running listen: ${running.url}` });
  const { host, port } = running;
  return { ...config, settings: { ...config.settings, host, port } };
}

/** `--dry-run` and `--curl` print requests that can be used, so with their secrets. */
function showRequests(context: Context, plan: SendPlan, config: Config, sources: readonly Source[]): ExitCode {
  const noted = new Set<string>();
  for (const outgoing of sampleDeliveries(context, plan, config, sources)) {
    if (context.signal.aborted) break;
    for (const note of outgoing.notes) if (!noted.has(note)) context.report({ type: "notice", message: note });
    for (const note of outgoing.notes) noted.add(note);
    context.report(requestReport(outgoing, plan));
  }
  return ExitCode.ok;
}

/** An app that answers before it verifies fetches the keys after the last answer. */
const FETCH_GRACE_MS = 2_000;

const CLOSE_GRACE_MS = 500;

/** Serves the public halves of the signing keys on loopback while the work goes on. `port`: 0 for any free one. */
async function whileServingKeys<T>(
  context: Context,
  { port, keySet }: { readonly port: number; readonly keySet: ReturnType<typeof localKeySet> },
  work: () => Promise<T>,
): Promise<T> {
  const fetched = new AbortController();
  const server = await openServer({ host: "127.0.0.1", port }, (request, response) => {
    const isKeySet = request.url?.split("?", 1)[0] === KEY_SET_PATH;
    const reply = isKeySet ? keySetReply(request.method, keySet) : plainReply(404, `the key set is at ${KEY_SET_PATH}`);
    sendReply(response, reply);
    if (isKeySet && reply.status === 200) response.once("finish", () => fetched.abort());
  }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw usageError(`--serve-jwks: ${error.message}`, "choose another port, such as --serve-jwks 4462, or 0 for any");
  });
  const url = `http://127.0.0.1:${server.port}${KEY_SET_PATH}`;
  context.report(
    context.json
      ? { type: "text", text: url, json: { type: "key_set", url } }
      : { type: "notice", message: `public keys (JWKS) at ${url} until everything is sent` },
  );
  try {
    const result = await work();
    await context.sleep(FETCH_GRACE_MS, AbortSignal.any([fetched.signal, context.signal]));
    if (!fetched.signal.aborted) {
      context.report({
        type: "warning",
        message: `the public keys at ${url} were not fetched`,
        hint: "have your app load its keys (JWKS) from there; if it caches keys, it may still use old ones",
      });
    }
    return result;
  } finally {
    await server.close(CLOSE_GRACE_MS);
  }
}
