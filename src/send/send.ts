import { rememberChannelTokens } from "../channels/read-tokens.ts";
import type { Secrets } from "../delivery/secret.ts";
import { runningAddress } from "../events/running-listener.ts";
import type { Context } from "../project/context.ts";
import { givenSecrets } from "../project/given-secrets.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { openServer } from "../receiver/http-server.ts";
import { keySetReply, sendReply } from "../receiver/respond.ts";
import { KEY_SET_PATH } from "../receiver/routes.ts";
import { plainReply } from "../recognition/reply.ts";
import { type ExitCode, UserError, usageError } from "../util/errors.ts";
import { localKeySet } from "../zoho-api/key-sets.ts";
import { deliver } from "./deliver.ts";
import { requireFaults } from "./faults.ts";
import { readPlan, type SendOptions, type SendPlan } from "./plan.ts";
import { showRequests } from "./show-requests.ts";
import { chooseSubjects, type Subject } from "./subjects.ts";

export async function send(
  context: Context,
  product: string | undefined,
  event: string | undefined,
  options: SendOptions,
): Promise<ExitCode> {
  const plan = readPlan(product, event, options);
  const settled = loadConfig(context, { secrets: await givenSecrets(context, options) });
  await rememberChannelTokens(context, settled);
  const config = await atRunningListener(context, plan, settled);
  const subjects = requireFaults(plan, await chooseSubjects(context, plan, config));
  if (plan.dryRun || plan.curl) return showRequests(context, plan, config, subjects);
  const work = () => deliver(context, plan, config, subjects);
  return plan.serveJwksPort === undefined
    ? work()
    : whileServingKeys(context, { port: plan.serveJwksPort, secrets: config.secrets, subjects }, work);
}

/**
 * Without a target, the settings get the address of the `listen` that runs in this project, whose port may differ. Never its
 * public URL: a sample does not leave this machine unasked.
 */
async function atRunningListener(context: Context, { to }: SendPlan, config: Config): Promise<Config> {
  if (to !== undefined && !to.trim().startsWith("/")) return config;
  const running = await runningAddress(context, config);
  if (running === undefined) return config;
  context.report({ type: "notice", message: `sending to this project's running listen: ${running.url}` });
  const { host, port } = running;
  return { ...config, settings: { ...config.settings, host, port } };
}

interface KeyServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly secrets: Secrets;
  readonly subjects: readonly Subject[];
}

/** An app that answers before it verifies fetches the keys after the last answer. */
const FETCH_GRACE_MS = 2_000;

const CLOSE_GRACE_MS = 500;

/** Serves the public halves of the signing keys on loopback while the work goes on. */
async function whileServingKeys<T>(context: Context, options: KeyServerOptions, work: () => Promise<T>): Promise<T> {
  const { port, secrets, subjects } = options;
  const keySet = localKeySet(secrets, [...new Set(subjects.map(({ product }) => product))]);
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
