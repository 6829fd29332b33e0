import { resolve } from "node:path";
import { maskUrl } from "../delivery/mask.ts";
import { boundOutput } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { projectFolder } from "../project/folder.ts";
import { isPortBusy, openOnFreePort } from "../receiver/http-server.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isHttpUrl, isLocalUrl, isLoopback, reachableOrigin } from "../util/hosts.ts";
import { firstOf } from "../util/timing.ts";
import { parseInteger } from "../util/units.ts";
import type { NumberedDelivery } from "./deliveries.ts";
import { type Emulator, openEmulator } from "./emulator.ts";
import type { EmulatedDeliveryLine, EmulatedRequestLine, EmulatorLine, EmulatorReport } from "./lines.ts";
import { EMULATOR_URL, emulatorAt, emulatorName, ownEmulator, rememberEmulator } from "./own.ts";
import { EMULATOR_PORT, exportCommand, variablesOf } from "./published.ts";
import { readSeed } from "./seed.ts";
import { emptyState } from "./services/index.ts";
import { openStateFile } from "./state-file.ts";
import { stubCommand } from "./stubs.ts";
import { lacksSecrets, type NumberedRequest } from "./view.ts";

type EmulatorContext = Context<EmulatedDeliveryLine | EmulatedRequestLine | EmulatorReport>;

export interface EmulateOptions {
  /** Default: 4480, or the next free one. */
  readonly port?: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: the address that it listens on. */
  readonly baseUrl?: string;
  readonly state?: string;
  readonly seed?: string;
  readonly env?: boolean;
}

/** Tried in order when the usual port is in use. */
const OTHER_PORTS = Array.from({ length: 18 }, (_, i) => EMULATOR_PORT + 1 + i);

/** Serves an emulated organisation until Ctrl-C. With `env` it only prints the variables for one. */
export async function emulate(context: EmulatorContext, options: EmulateOptions): Promise<ExitCode> {
  const { host = "127.0.0.1" } = options;
  const port = options.port === undefined ? undefined : parseInteger(options.port, "--port", 0, 65_535);
  const baseUrl = options.baseUrl === undefined ? undefined : readOrigin(options.baseUrl);
  if (options.env === true) return printVariables(context, { host: options.host, port, baseUrl });
  const seed = options.seed === undefined ? undefined : readSeed(resolve(context.cwd, options.seed));
  const file =
    options.state === undefined ? undefined : await openStateFile(context, resolve(context.cwd, options.state));
  const state = file?.state ?? emptyState();
  const { report } = boundOutput(context, {
    elsewhere: "the emulator's page shows the newest requests and deliveries",
  });
  context.neverWaitForTerminal();
  let hasDropped = false;
  const noteDropped = (dropped: number): void => {
    if (dropped === 0 || hasDropped) return;
    hasDropped = true;
    const message =
      "only the newest 10,000 requests and deliveries are kept, at most 64 MB of each: older ones are dropped";
    report({ type: "warning", message });
  };
  try {
    const serve = {
      host,
      baseUrl,
      state,
      seed,
      owner: { pid: context.pid, folder: projectFolder(context) },
      env: context.env,
      packageRoot: context.packageRoot,
      invocation: context.invocation,
      now: context.now,
      onRequest(request: NumberedRequest) {
        report(requestLine(request, emulator.url));
        noteDropped(emulator.requests.dropped);
      },
      onDelivery(delivery: NumberedDelivery) {
        report(deliveryLine(delivery, exportCommand(context.invocation, emulator)));
        noteDropped(emulator.deliveries.sent.dropped);
      },
      onNote: (message: string) => report({ type: "notice", message }),
      onTrouble: (message: string) => report({ type: "warning", message: `the emulator: ${message}` }),
      onChange: () => file?.changed(),
    };
    const emulator = await openAtPort(context, port, (at) => openEmulator({ ...serve, port: at }));
    const forget = await rememberEmulator(context, emulator.localUrl);
    try {
      if (seed !== undefined && file?.isEmpty === false)
        report({
          type: "warning",
          message: `${options.state} is not empty: ${options.seed} is used at the next reset`,
        });
      reportReady(context, emulator, host);
      await firstOf([context.signal]);
    } finally {
      await forget();
      await emulator.close();
    }
  } finally {
    await file?.close();
  }
  return ExitCode.ok;
}

/** At the port that the user named; else at the usual one, or at another one if that is in use, as `listen` does. */
async function openAtPort<T extends Pick<Emulator, "localUrl">>(
  context: EmulatorContext,
  named: number | undefined,
  open: (port: number) => Promise<T>,
): Promise<T> {
  try {
    return await open(named ?? EMULATOR_PORT);
  } catch (error) {
    if (named !== undefined || !isPortBusy(error)) throw error;
    const own = await ownEmulator(context);
    if (own !== undefined) throw usageError(`${error.message}; this folder's emulator is at ${own}`, error.hint);
    const opened = await openOnFreePort(OTHER_PORTS, open);
    if (opened === undefined) throw error;
    context.report({ type: "warning", message: `${error.message}: using port ${new URL(opened.localUrl).port}` });
    return opened;
  }
}

/** The origin of `--base-url`. */
function readOrigin(text: string): string {
  const example = "write it as http://zoho:4480";
  if (!isHttpUrl(text)) throw usageError(`--base-url: ${JSON.stringify(text)} is not a URL`, example);
  const { origin, href } = new URL(text);
  if (href === `${origin}/`) return origin;
  throw usageError("--base-url has more than a scheme, a host and a port", `write it as ${origin}`);
}

/**
 * Prints the variables of this folder's emulator, or of one at the named address. Says when none answers there, and when it is
 * another folder's.
 */
async function printVariables(
  context: EmulatorContext,
  {
    host,
    port,
    baseUrl,
  }: { readonly [name in "host" | "baseUrl"]: string | undefined } & {
    readonly port: number | undefined;
  },
): Promise<ExitCode> {
  const own = port === undefined && baseUrl === undefined ? await ownEmulator(context) : undefined;
  const usual = new URL(own ?? EMULATOR_URL);
  const url =
    baseUrl ?? reachableOrigin(host ?? usual.hostname.replace(/^\[|\]$/g, ""), port ?? Number(usual.port || 80));
  const env = variablesOf(url);
  const text = Object.entries(env)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
  const json: EmulatorLine = { type: "emulator", url, env };
  context.report({ type: "text", text, json });
  // Only programs on this machine are told whose it is, and a name may be for a container.
  if (own !== undefined || !isLocalUrl(url)) return ExitCode.ok;
  const found = await emulatorAt(url);
  if (found === undefined) {
    const command = `${context.invocation} emulate${port === undefined ? "" : ` --port ${port}`}`;
    context.report({ type: "warning", message: `no emulator answers at ${url}`, hint: `start it: ${command}` });
  } else if (found.folder !== undefined && found.folder !== projectFolder(context))
    context.report({ type: "notice", message: `${url} is ${emulatorName(url, found)}` });
  return ExitCode.ok;
}

type Addresses = Pick<Emulator, "url" | "localUrl">;

function reportReady(context: EmulatorContext, { url, localUrl }: Addresses, host: string): void {
  const { port } = new URL(localUrl);
  const { invocation } = context;
  const elsewhere = port === String(EMULATOR_PORT) ? "" : ` --url ${localUrl}`;
  context.report({
    type: "emulator",
    url,
    env: variablesOf(url),
    person: {
      tries: [
        ["page", `${url}/`],
        ["variables", exportCommand(invocation, { url, localUrl })],
        ["try it", `${invocation} listen 3000 --channel Leads.create`],
        ["faults", `${invocation} emulate fail 429${elsewhere}`],
      ],
    },
  });
  if (isLoopback(host) || host === "::1") return;
  const message = `anyone who can reach ${host} can use this emulator: its client, refresh token and secrets are published`;
  context.report({ type: "warning", message });
}

/** The path has the query, without secrets. */
function requestLine(request: NumberedRequest, emulatorUrl: string): EmulatedRequestLine {
  const { n, at, method, path, query, status, ms, lacks } = request;
  return {
    type: "emulated_request",
    at: new Date(at).toJSON(),
    n,
    method,
    path: maskUrl(query === "" ? path : `${path}?${query}`),
    status: status ?? null,
    latency_ms: ms,
    lacks: lacks ?? null,
    hint: lacks === undefined ? (request.hint ?? null) : stubCommand(emulatorUrl, request),
  };
}

/** `command`: what gives a receiver the secrets that it lacks. */
function deliveryLine(
  { n, at, product, event, delivery, status, ms, error, fault, again, isPublished }: NumberedDelivery,
  command: string,
): EmulatedDeliveryLine {
  return {
    type: "emulated_delivery",
    at: new Date(at).toJSON(),
    n,
    product,
    event,
    url: maskUrl(delivery.url),
    status: status ?? null,
    latency_ms: ms ?? null,
    error: error ?? null,
    hint: lacksSecrets({ isPublished, status })
      ? `if the receiver lacks the emulator's secrets, start it again after ${command}`
      : null,
    fault: fault ?? null,
    again: again ?? null,
  };
}
