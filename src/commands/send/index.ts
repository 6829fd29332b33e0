import type { Command } from "commander";
import type { Secrets } from "../../body/secret.ts";
import { type Config, loadConfig } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { plainReply } from "../../core/reply.ts";
import { openServer } from "../../receiver/http-server.ts";
import { keySetReply, sendReply } from "../../receiver/respond.ts";
import { KEY_SET_PATH } from "../../receiver/routes.ts";
import { examples } from "../../reports/help.ts";
import { type ExitCode, UserError, usageError } from "../../util/errors.ts";
import type { Define } from "../command.ts";
import { rememberChannelTokens } from "../helpers/channel-tokens.ts";
import { EXPECT_STATUS_FLAG } from "../helpers/expect-status.ts";
import { localKeySet } from "../helpers/keys.ts";
import { addSecretOptions, collect, givenSecrets } from "../helpers/options.ts";
import { runningAddress } from "../helpers/running-listener.ts";
import { deliver } from "./deliver.ts";
import { requireFaults } from "./faults.ts";
import { readPlan, type SendOptions, type SendPlan } from "./plan.ts";
import { showRequests } from "./show-requests.ts";
import { chooseSubjects, type Subject } from "./subjects.ts";

const HELP = `
The target of --to:
  3000               http://localhost:3000/webhooks/zoho/<product>
  /path              that path on the running listen
  host:3000/path     http://host:3000/path
  https://host/path  exactly that; :product in the path is replaced by the product

Exits with 0 if every delivery was answered with 2xx, else with 5. One with a fault has to be refused (400, 401, 403
or 422): exits with 8 if it was accepted. With --expect-status, exits with 0 if every delivery got such an answer, else
with 8. When you stop it with Ctrl-C, only the answers so far count.`;

export const define: Define = (command, act) => {
  addFaultOptions(addLoadOptions(addSecretOptions(addContentOptions(addTargetOptions(command)))))
    .addHelpText(
      "before",
      examples(
        "zoho-hooks send crm Leads.create --to 3000",
        "zoho-hooks send crm Leads.create --set data.Email=me@example.com",
        "zoho-hooks send books --all --to http://localhost:3000/hooks/:product",
        "zoho-hooks send crm --data @payload.json --to 3000",
        "zoho-hooks send desk Ticket_Add --count 1000 --concurrency 10 --rate 200",
        "zoho-hooks send crm Leads.create --bad-token     does the app refuse it?",
        "zoho-hooks send crm Leads.create --format guide     the body of the Webhooks Guide",
        "zoho-hooks send desk Ticket_Add --serve-jwks --to 3000",
        "zoho-hooks send desk --challenge --to 3000     would Desk save this URL?",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(send));
};

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

function addTargetOptions(command: Command): Command {
  return command
    .argument("[product]", "crm, desk, books, … (see zoho-hooks products)")
    .argument("[event]", "Leads.create, Ticket_Add, invoice, …; not needed with --data")
    .option("--all", "every event of the product; without one, of all products")
    .option("-t, --to <target>", "URL, port, path or host:port/path (default: this project's running listen)")
    .option("--timeout <time>", "give up on an answer after this long", "30s")
    .option(...EXPECT_STATUS_FLAG)
    .option("--insecure", "accept a self-signed certificate")
    .option(
      "--serve-jwks [port]",
      "while sending, serve the public half of your signing key (JWKS) on this local port (default: 4461)",
    )
    .option("--dry-run", "print the request, send nothing")
    .option("--curl", "print the curl command that would send it (for a POSIX shell), send nothing");
}

function addContentOptions(command: Command): Command {
  return command
    .optionsGroup("What is sent:")
    .option("--format <format>", "wire: as Zoho's servers post it (default); guide: as in the Webhooks Guide; …")
    .option("--set <path=value>", "change a value of the sample, or add one (repeatable)", collect)
    .option("--data <body>", "a body of your own: @file, - for standard input, or the text itself")
    .option("-H, --header <name: value>", "add a header (repeatable)", collect)
    .option("--no-fresh", "send the sample unchanged, without new ids and current times")
    .option("--seed <n>", "use the same new ids on every run, and the sample's own times; with --data too")
    .option("--challenge [value]", "send the challenge or probe that precedes the first event, and check the answer");
}

function addLoadOptions(command: Command): Command {
  return command
    .optionsGroup("How much and how fast:")
    .option("--count <n>", "send this many deliveries, each with new ids", "1")
    .option("--repeat <n>", "send each delivery this many more times, byte for byte", "0")
    .option("--concurrency <n>", "how many to send at the same time, at most 256", "1")
    .option("--rate <n>", "how many to send per second, at most");
}

function addFaultOptions(command: Command): Command {
  return command
    .optionsGroup("Faults on purpose:")
    .option("--bad-signature", "sign with a wrong secret")
    .option("--no-signature", "do not sign")
    .option("--bad-token", "use a wrong token")
    .option("--malformed", "break the JSON")
    .option("--truncate", "cut the body short after signing it")
    .option("--slow [time]", "send the body bit by bit over this time (default: 5s)");
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
